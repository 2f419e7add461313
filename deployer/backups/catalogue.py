"""Backups as the host tells of them: which there are, what they hold, and which of them is meant."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.errors import UsageError

SHOWN = 10
"""How many backups a message lists."""


@dataclass(frozen=True)
class Backup:
    """`missing` says why it is not whole. Times are UTC, ISO 8601; `verified` is empty until it was read again."""

    id: str
    time: str = ""
    size: int = 0
    unpacked: int = 0
    parts: tuple[str, ...] = ()
    files: int = 0
    release: str = ""
    commit: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    verified: str = ""
    still: float = 0.0
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def timestamp(self) -> str:
        """What `--ts` is compared with."""
        return "_".join(self.id.split("_")[-2:])


def parse(told: str) -> tuple[Backup, ...]:
    """From the lines of remote/shelf.py, oldest first."""
    return tuple(_backup(json.loads(line)) for line in told.splitlines() if line.startswith("{"))


def _backup(told: Mapping[str, object]) -> Backup:
    manifest = _mapping(told.get("manifest"))
    parts = [_mapping(part) for part in _list(manifest.get("parts"))]
    release = _mapping(manifest.get("release"))
    return Backup(
        id=str(told["id"]),
        time=str(manifest.get("time", "")),
        size=_number(manifest.get("bytes")),
        unpacked=_number(manifest.get("unpacked")),
        parts=tuple(str(part.get("part")) for part in parts if part.get("part") != "files"),
        files=sum(_number(part.get("files")) for part in parts),
        release=str(release.get("id", "")),
        commit=str(release.get("commit", "")),
        images={service: str(tag) for service, tag in _mapping(release.get("tags")).items()},
        missing=str(told.get("missing", "")),
        verified=str(told.get("verified", "")),
        still=float(str(manifest.get("still", 0))),
        rows={name: _number(count) for name, count in _mapping(manifest.get("rows")).items()},
    )


def matching(backups: tuple[Backup, ...], prefix: str) -> tuple[Backup, ...]:
    """Those whose timestamp starts so, newest first."""
    wanted = prefix.removeprefix(backups[0].id.removesuffix(backups[0].timestamp)) if backups else prefix
    return tuple(backup for backup in reversed(backups) if backup.timestamp.startswith(wanted))


@dataclass(frozen=True)
class Choice:
    """The backup that is meant; `skipped` are those that match as well and are newer, but not whole."""

    backup: Backup
    skipped: tuple[Backup, ...] = ()

    @property
    def told(self) -> str:
        """Which one it is, and why none of the newer ones."""
        skipped = (f"{backup.id} is not whole and skipped: {backup.missing}" for backup in self.skipped)
        return "\n".join((*skipped, f"backup {self.backup.id} of {self.backup.time}"))


def choose(backups: tuple[Backup, ...], prefix: str = "") -> Choice:
    """The newest whole one whose timestamp starts so. Raises UsageError, listing what there is, when none does."""
    found = matching(backups, prefix)
    for number, backup in enumerate(found):
        if not backup.missing:
            return Choice(backup, found[:number])
    wanted = f"no whole backup starts with {prefix}" if prefix else "there is no whole backup"
    raise UsageError(
        f"{wanted}; {_listed(backups)}", remedy="deployer backups tells them all; deployer backup makes one"
    )


def _listed(backups: tuple[Backup, ...]) -> str:
    if not backups:
        return "there is none at all"
    newest = tuple(reversed(backups))[:SHOWN]
    lines = (f"  {one.id}" + (f" (not whole: {one.missing})" if one.missing else "") for one in newest)
    older = len(backups) - len(newest)
    return "\n".join(("there are:", *lines, *([f"  and {older} older ones"] if older else [])))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
