"""The bash functions that unpack a backup on the host, swap it in, and undo that."""

from collections.abc import Mapping

from deployer.backups.catalogue import Backup
from deployer.backups.scripts.backup import archive_functions, database_functions
from deployer.engine.program import script, text
from deployer.inventory.model import Inventory
from deployer.releases.calls import ReleaseTarget
from deployer.releases.scripts.release import release_functions
from deployer.site.scripts.postgres import postgres_functions
from deployer.text.shell import lines

KINDS = ("data", "config", "ssl", "database")
"""What can be restored by itself, as `--only` names it."""


def unpack_functions(host: Inventory, scope: tuple[str, ...]) -> str:
    """`unpack_backup`, `below`, `names_in_scope`, and what reads backups."""
    unpack = script("backups/scripts/unpack.sh", SCOPE=" ".join(scope), TRIM=text("backups/scripts/trim.py"))
    return lines(archive_functions(host), database_functions(host), unpack)


def compare_files(host: Inventory, backup: Backup, scope: tuple[str, ...]) -> str:
    """A question: how the files on the host differ from those of the backup, a line of JSON for each."""
    differences = text("backups/scripts/differences.py")
    compare = script("backups/scripts/differences.sh", ID=backup.id, DIFFERENCES=differences)
    return lines(unpack_functions(host, scope), compare)


def restore_functions(host: Inventory, backup: Backup, scope: tuple[str, ...], fallback: Mapping[str, str]) -> str:
    """`unpack_verified`, `act`, `restore_end`, `restore_back` and `delete_unpacked`.

    `fallback` are images by service, for where the backup's own are gone.
    """
    target = ReleaseTarget(backup.commit, "", "", {}, (), ())
    images = "\n".join(f"{service} {image}" for service, image in fallback.items())
    restore = lines(
        script("engine/mask.sh"),
        script("backups/scripts/restore.sh", ID=backup.id, FALLBACK=images),
        script("backups/scripts/recover.sh", ENV_FILE=str(host.paths.env)),
    )
    database = postgres_functions(host) if host.postgres.enabled else ""
    return lines(database, unpack_functions(host, scope), release_functions(host, target, ""), restore)
