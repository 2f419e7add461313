"""The bash functions that read and copy backups on the host; cron and the commands run the same."""

from dataclasses import replace

from deployer.engine.changes import File
from deployer.engine.host_program import call, cron_call, cron_entry
from deployer.engine.program import script, text
from deployer.inventory.model import Inventory
from deployer.resources.cron import cron_program
from deployer.text.marker import MARKER
from deployer.text.shell import lines


def archive_functions(host: Inventory) -> str:
    """`verify_backup`, `list_backups` and what else reads backups."""
    return lines(
        script(
            "backups/scripts/archive.sh",
            NAME=host.name,
            ROOT=str(host.root),
            DIRECTORY=str(host.backup.directory),
            DOMAIN=host.site.domain,
            TREE=text("backups/scripts/tree.py"),
            MANIFEST=text("backups/scripts/manifest.py"),
        ),
        text("backups/scripts/verify.sh"),
    )


def database_functions(host: Inventory) -> str:
    """What concerns PostgreSQL in a restore; without one it does nothing."""
    postgres = host.postgres
    return script(
        "backups/scripts/database.sh",
        DATABASE=postgres.database if postgres.enabled else "",
        DATABASE_USER=postgres.user,
    )


def backup_program(host: Inventory) -> File:
    """The program that cron runs. Copying takes long and only reads complete backups: it runs without the lock."""
    entry = cron_entry(host, "backup")
    if not host.backup.offsite:
        return entry
    text = f"#!/bin/sh\n# {MARKER}\n{cron_call(host, 'backup')} && exec {call(host, 'cron', 'offsite', 'push')}\n"
    return replace(entry, content=text.encode())


def recover_program(host: Inventory) -> str:
    """The program that cron runs at boot: it finishes or undoes a restore that a power cut interrupted."""
    return cron_program(host, "recover", 'if [ -e "$ROOT/.deployer/restoring" ]; then take_lock; fi')
