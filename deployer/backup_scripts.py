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


def backup_functions(host: Inventory) -> str:
    """backup, and what it needs."""
    keep = host.backup
    made = script("backup.sh", KEEP_DAYS=keep.keep_days, KEEP_MIN=keep.keep_min, TOOL=__version__)
    return lines(archive_functions(host), database_functions(host), made)


def database_functions(host: Inventory) -> str:
    """database_dump and what else concerns PostgreSQL; nothing happens in them where there is none."""
    return script("database.sh", DATABASE="", DATABASE_USER="")


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


def recover_program(host: Inventory) -> str:
    """What cron runs at boot: a restore that lost its power is brought to an end, as by every other run."""
    return lines(
        "#!/bin/bash",
        f"# {MARKER}",
        "set -u",
        "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        script("locked.sh", NAME=host.name, ROOT=str(host.root), DOING="recover"),
        'if [ -e "$ROOT/.deployer/restoring" ]; then with_times take_lock; fi',
        "",
    )
