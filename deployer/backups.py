"""Backups as the host tells of them: which there are, what they hold, and which of them is meant."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


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
        missing=str(told.get("missing", "")),
        verified=str(told.get("verified", "")),
        still=float(str(manifest.get("still", 0))),
        rows={name: _number(count) for name, count in _mapping(manifest.get("rows")).items()},
    )


def matching(backups: tuple[Backup, ...], prefix: str) -> tuple[Backup, ...]:
    """Those whose timestamp starts so, newest first."""
    wanted = prefix.removeprefix(backups[0].id.removesuffix(backups[0].timestamp)) if backups else prefix
    return tuple(backup for backup in reversed(backups) if backup.timestamp.startswith(wanted))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
