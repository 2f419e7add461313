"""The last backup as `status` tells of it: how old, how large, when it was read again."""

from dataclasses import dataclass
from datetime import datetime

from deployer.backups.catalogue import parse
from deployer.backups.scripts.backup import listing
from deployer.engine.facts import Ask
from deployer.inventory.model import Inventory


@dataclass(frozen=True)
class LastBackup:
    """The newest whole one: age in seconds, size in bytes; `verified` is empty until it was read again.

    `not_whole` are those that are newer and do not count.
    """

    id: str
    age: int
    size: int
    verified: str
    not_whole: tuple[str, ...] = ()


def ask(host: Inventory) -> Ask:
    return Ask(f"{listing(host)} | tail -n 50")


def last_backup(told: str, now: int) -> LastBackup | None:
    newer: list[str] = []
    for backup in reversed(parse(told)):
        if not backup.problem:
            age = now - int(datetime.fromisoformat(backup.time).timestamp())
            return LastBackup(backup.id, max(0, age), backup.size, backup.verified, tuple(newer))
        newer.append(backup.id)
    return LastBackup("", 0, 0, "", tuple(newer)) if newer else None
