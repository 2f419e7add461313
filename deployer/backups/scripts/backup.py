"""The host-side functions that backups are made, read and restored with; cron and the commands run the same."""

from deployer import __version__
from deployer.engine.program import script, text
from deployer.inventory.model import Inventory
from deployer.resources.cron import cron_program
from deployer.text.marker import MARKER
from deployer.text.shell import lines


def archive_functions(host: Inventory) -> str:
    """verify_backup, shelf and what else reads backups."""
    return script(
        "backups/scripts/archive.sh",
        NAME=host.name,
        ROOT=str(host.root),
        DIRECTORY=str(host.backup.directory),
        DOMAIN=host.site.domain,
        TREE=text("backups/scripts/tree.py"),
        SHELF=text("backups/scripts/manifest.py"),
        OFFSITE_COPIES="yes" if host.backup.offsite else "",
    )


def shelf(host: Inventory) -> str:
    """A question: one line of JSON for each backup (remote/shelf.py)."""
    return lines(archive_functions(host), "shelf")


def verification(host: Inventory) -> str:
    """Reads all of every backup: a line for each, its id and what is wrong with it."""
    return lines(archive_functions(host), "verify_all")


def foresight(host: Inventory) -> str:
    """A question: what a backup would read and need; it fails where a backup would."""
    return lines(backup_functions(host), "foresee")


def backup_functions(host: Inventory) -> str:
    """backup, and what it needs."""
    still = script("backups/scripts/freeze.sh", SQLITE=text("backups/scripts/sqlite_copy.py"))
    keep = host.backup
    shelving = script(
        "backups/scripts/retention.sh", KEEP_DAYS=keep.keep_days, KEEP_MIN=keep.keep_min, TOOL=__version__
    )
    return lines(
        archive_functions(host), database_functions(host), still, shelving, script("backups/scripts/backup.sh")
    )


def database_functions(host: Inventory) -> str:
    """database_dump and what else concerns PostgreSQL; nothing happens in them where there is none."""
    postgres = host.postgres
    return script(
        "backups/scripts/database.sh",
        DATABASE=postgres.database if postgres.enabled else "",
        DATABASE_USER=postgres.user,
    )


def restic_functions(host: Inventory) -> str:
    """run_restic, install_credentials, and what they need."""
    state = host.paths.state
    return lines(
        text("engine/mask.sh"),
        script("backups/scripts/restic.sh", OFFSITE=f"{state}/offsite", OFFSITE_ENV=f"{state}/offsite.env"),
    )


def offsite_functions(host: Inventory) -> str:
    """offsite_push, offsite_list, offsite_fetch ID (or latest), and what they need."""
    return lines(archive_functions(host), _copying(host))


def _copying(host: Inventory) -> str:
    keep = host.backup
    made = script(
        "backups/scripts/offsite.sh",
        COPIES=text("backups/scripts/snapshots.py"),
        KEEP_DAYS=keep.keep_days,
        KEEP_MIN=keep.keep_min,
    )
    return lines(restic_functions(host), made)


def backup_program(host: Inventory) -> str:
    """What cron runs. The copy takes long and only reads what is whole: the lock is given back before it."""
    if not host.backup.offsite:
        return cron_program(host, "backup", backup_functions(host), "take_lock", "with_times backup")
    functions = lines(backup_functions(host), _copying(host))
    return cron_program(
        host, "backup", functions, "take_lock", "with_times backup && exec 9>&- && with_times offsite_push"
    )


def restic_program(host: Inventory) -> str:
    """restic with the repository's credentials, for a person: `restic snapshots`, `restic key passwd`."""
    return lines(
        "#!/bin/bash",
        f"# {MARKER}",
        "set -u",
        restic_functions(host),
        'run_restic 0 "$@"',
        "",
    )


def recover_program(host: Inventory) -> str:
    """What cron runs at boot: a restore that lost its power is brought to an end, as by every other run."""
    return cron_program(host, "recover", 'if [ -e "$ROOT/.deployer/restoring" ]; then take_lock; fi')
