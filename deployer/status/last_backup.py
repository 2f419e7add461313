"""The last backup as `status` shows it: how old, how large, when it was verified."""

from dataclasses import dataclass
from datetime import datetime

from deployer.backups.catalogue import parse
from deployer.engine.facts import Ask
from deployer.engine.host_program import call
from deployer.inventory.model import Inventory

SHOWN = 50
"""How many of the latest backups the host lists."""


@dataclass(frozen=True)
class LastBackup:
    """The latest complete one: age in seconds, size in bytes; `verified` is empty until it is verified once more.

    `incomplete` are later ones, which do not count.
    """

    id: str
    age: int
    size: int
    verified: str
    incomplete: tuple[str, ...] = ()


def ask(host: Inventory) -> Ask:
    return Ask(call(host, "backups", str(SHOWN)))


def last_backup(listing: str, now: int) -> LastBackup | None:
    incomplete: list[str] = []
    for backup in reversed(parse(listing)):
        if not backup.problem and backup.time:
            age = now - int(datetime.fromisoformat(backup.time).timestamp())
            return LastBackup(backup.id, max(0, age), backup.size, backup.verified, tuple(incomplete))
        incomplete.append(backup.id)
    return LastBackup("", 0, 0, "", tuple(incomplete)) if incomplete else None
