"""The bash functions that make, read and restore backups on the host; cron and the commands run the same."""

from deployer import __version__
from deployer.engine.host_program import call
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
            OFFSITE_COPIES="yes" if host.backup.offsite else "",
        ),
        text("backups/scripts/verify.sh"),
    )


def verify_all(host: Inventory) -> str:
    """Reads all of every backup; prints a line for each, its id and its problem."""
    return lines(archive_functions(host), "verify_all")


def estimate(host: Inventory) -> str:
    """A question: what a backup would read and need; it fails where a backup would be refused."""
    return lines(backup_functions(host), "estimate")


def backup_functions(host: Inventory) -> str:
    """`backup`, and the functions that it calls."""
    keep = host.backup
    retention = script(
        "backups/scripts/retention.sh", KEEP_DAYS=keep.keep_days, KEEP_MIN=keep.keep_min, TOOL=__version__
    )
    return lines(
        archive_functions(host),
        database_functions(host),
        script("backups/scripts/freeze.sh", SQLITE=text("backups/scripts/sqlite_copy.py")),
        retention,
        script("backups/scripts/backup.sh"),
    )


def database_functions(host: Inventory) -> str:
    """`database_dump` and what else concerns PostgreSQL; without one they do nothing."""
    postgres = host.postgres
    return script(
        "backups/scripts/database.sh",
        DATABASE=postgres.database if postgres.enabled else "",
        DATABASE_USER=postgres.user,
    )


def backup_program(host: Inventory) -> str:
    """The program that cron runs. Copying takes long and only reads complete backups: it runs without the lock."""
    push = f" && exec 9>&- && {call(host, 'cron', 'offsite', 'push')}" if host.backup.offsite else ""
    return cron_program(host, "backup", backup_functions(host), "take_lock", f"with_times backup{push}")


def verify_program(host: Inventory) -> str:
    """`verify-backup DIRECTORY ID`, which the host program runs on what it has fetched."""
    functions = archive_functions(host)
    return lines("#!/bin/bash", f"# {MARKER}", "set -u", functions, "DIRECTORY=$1", 'verify_backup "$2"', "")


def recover_program(host: Inventory) -> str:
    """The program that cron runs at boot: it finishes or undoes a restore that a power cut interrupted."""
    return cron_program(host, "recover", 'if [ -e "$ROOT/.deployer/restoring" ]; then take_lock; fi')
