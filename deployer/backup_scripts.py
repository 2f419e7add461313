"""The host-side functions that backups are made, read and restored with; cron and the commands run the same."""

from deployer import __version__
from deployer.inventory.model import Inventory
from deployer.marker import MARKER
from deployer.remote.scripts import script, text
from deployer.shell import lines


def archive_functions(host: Inventory) -> str:
    """verify_backup, shelf and what else reads backups."""
    return script(
        "archive.sh",
        NAME=host.name,
        ROOT=str(host.root),
        DIRECTORY=str(host.backup.directory),
        DOMAIN=host.site.domain,
        TREE=text("tree.py"),
        SHELF=text("shelf.py"),
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
    still = script("still.sh", SQLITE=text("sqlite_copy.py"))
    keep = host.backup
    shelving = script("shelving.sh", KEEP_DAYS=keep.keep_days, KEEP_MIN=keep.keep_min, TOOL=__version__)
    return lines(archive_functions(host), database_functions(host), still, shelving, script("backup.sh"))


def database_functions(host: Inventory) -> str:
    """database_dump and what else concerns PostgreSQL; nothing happens in them where there is none."""
    postgres = host.postgres
    return script("database.sh", DATABASE=postgres.database if postgres.enabled else "", DATABASE_USER=postgres.user)


def backup_program(host: Inventory) -> str:
    """What cron runs."""
    return lines(
        "#!/bin/bash",
        f"# {MARKER}",
        "set -u",
        "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        script("locked.sh", NAME=host.name, DOING="backup"),
        backup_functions(host),
        "take_lock",
        "with_times backup",
        "",
    )
