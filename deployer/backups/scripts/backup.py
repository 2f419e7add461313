"""The bash functions that read and copy backups on the host; cron and the commands run the same."""

from dataclasses import replace

from deployer.engine.changes import File
from deployer.engine.host_program import cron_call, cron_entry
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


def listing(host: Inventory) -> str:
    """A question: one line of JSON for each backup (manifest.py)."""
    return lines(archive_functions(host), "list_backups")


def database_functions(host: Inventory) -> str:
    """What concerns PostgreSQL in a restore; without one it does nothing."""
    postgres = host.postgres
    return script(
        "backups/scripts/database.sh",
        DATABASE=postgres.database if postgres.enabled else "",
        DATABASE_USER=postgres.user,
    )


def restic_functions(host: Inventory) -> str:
    """`run_restic`, `install_credentials`, and the functions that they call."""
    state = host.paths.state
    return lines(
        text("engine/mask.sh"),
        script("backups/scripts/restic.sh", OFFSITE=f"{state}/offsite", OFFSITE_ENV=f"{state}/offsite.env"),
    )


def offsite_functions(host: Inventory) -> str:
    """`offsite_push`, `offsite_list`, `offsite_fetch ID` (or latest), and the functions that they call."""
    return lines(archive_functions(host), _offsite(host))


def _offsite(host: Inventory) -> str:
    keep = host.backup
    offsite = script(
        "backups/scripts/offsite.sh",
        SNAPSHOTS=text("backups/scripts/snapshots.py"),
        KEEP_DAYS=keep.keep_days,
        KEEP_MIN=keep.keep_min,
    )
    return lines(restic_functions(host), offsite)


def backup_program(host: Inventory) -> File:
    """The program that cron runs. Copying takes long and only reads complete backups: it runs without the lock."""
    entry = cron_entry(host, "backup")
    if not host.backup.offsite:
        return entry
    made = f"{cron_call(host, 'backup')} || exit"
    text = cron_program(host, "backup", offsite_functions(host), made, "with_times offsite_push")
    return replace(entry, content=text.encode())


def restic_program(host: Inventory) -> str:
    """restic with the repository's credentials, for the administrator: `restic snapshots`, `restic key passwd`."""
    return lines(
        "#!/bin/bash",
        f"# {MARKER}",
        "set -u",
        restic_functions(host),
        'run_restic 0 "$@"',
        "",
    )


def recover_program(host: Inventory) -> str:
    """The program that cron runs at boot: it finishes or undoes a restore that a power cut interrupted."""
    return cron_program(host, "recover", 'if [ -e "$ROOT/.deployer/restoring" ]; then take_lock; fi')
