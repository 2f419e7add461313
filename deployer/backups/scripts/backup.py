"""The bash functions that make, read and restore backups on the host; cron and the commands run the same."""

from deployer import __version__
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


def backup_program(host: Inventory) -> str:
    """The program that cron runs. Copying takes long and only reads complete backups: it runs without the lock."""
    if not host.backup.offsite:
        return cron_program(host, "backup", backup_functions(host), "take_lock", "with_times backup")
    functions = lines(backup_functions(host), _offsite(host))
    return cron_program(
        host, "backup", functions, "take_lock", "with_times backup && exec 9>&- && with_times offsite_push"
    )


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
