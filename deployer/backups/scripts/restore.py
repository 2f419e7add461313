"""The host-side functions that a backup is unpacked, put in place and gone back from with."""

from collections.abc import Mapping

from deployer.backups.catalogue import Backup
from deployer.backups.scripts.backup import archive_functions, database_functions
from deployer.engine.program import script, text
from deployer.inventory.model import Inventory
from deployer.releases.scripts.functions import ReleaseTarget, release_functions
from deployer.site.scripts.functions import postgres_functions
from deployer.text.shell import lines

KINDS = ("data", "config", "ssl", "database")
"""What can be restored by itself, as `--only` names it."""


def unpack_functions(host: Inventory, scope: tuple[str, ...]) -> str:
    """unpack_backup, below, names_in_scope; and what reads backups."""
    unpack = script("backups/scripts/unpack.sh", SCOPE=" ".join(scope), TRIM=text("backups/scripts/trim.py"))
    return lines(archive_functions(host), database_functions(host), unpack)


def restore_functions(host: Inventory, backup: Backup, scope: tuple[str, ...], fallback: Mapping[str, str]) -> str:
    """unpack_verified, act, restore_end, restore_back and forget_unpacked.

    `fallback` are images by service, for where the backup's own are gone.
    """
    going = ReleaseTarget(backup.commit, "", "", {}, (), ())
    images = "\n".join(f"{service} {image}" for service, image in fallback.items())
    restore = lines(
        script("backups/scripts/restore.sh", ID=backup.id, FALLBACK=images),
        script("backups/scripts/recover.sh"),
    )
    database = postgres_functions(host) if host.postgres.enabled else ""
    return lines(database, unpack_functions(host, scope), release_functions(host, going, ""), restore)
