"""The backups on a host: what each one holds, and which one a command uses."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.engine.facts import Ask, Unknown
from deployer.engine.host_program import call
from deployer.errors import UsageError
from deployer.remote.backup.catalogue import is_time
from deployer.run.host_run import HostRun
from deployer.text.times import ago

SHOWN = 10
"""How many backups a message lists."""


@dataclass(frozen=True)
class Backup:
    """One backup; `problem` says why it is incomplete, and is empty for a complete one.

    Times are UTC, ISO 8601, and empty where a manifest, which anybody may have written, has none; `verified` is empty
    until it was verified after it was made. Sizes are bytes; for `paused` seconds the application did not run.
    """

    id: str
    time: str = ""
    size: int = 0
    unpacked: int = 0
    parts: tuple[str, ...] = ()
    files: int = 0
    release: str = ""
    commit: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    verified: str = ""
    paused: float = 0.0
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def timestamp(self) -> str:
        """What `--ts` is compared with."""
        return "_".join(self.id.split("_")[-2:])


def on_host(run: HostRun) -> tuple[Backup, ...]:
    """All backups on the host, oldest first; one round trip. Raises DeployerError where they cannot be listed."""
    try:
        return parse(run.ask({"backups": Ask(call(run.host, "backups"))})["backups"])
    except Unknown as unknown:
        remedy = f"deployer provision --host {run.host.host_name}"
        raise run.error(f"The backups on this host cannot be listed: {unknown}", remedy=remedy) from None


def parse(lines: str) -> tuple[Backup, ...]:
    """From the lines of the verb `backups`, oldest first."""
    return tuple(_backup(json.loads(line)) for line in lines.splitlines() if line.startswith("{"))


def _backup(entry: Mapping[str, object]) -> Backup:
    manifest = _mapping(entry.get("manifest"))
    parts = [_mapping(part) for part in _list(manifest.get("parts"))]
    release = _mapping(manifest.get("release"))
    return Backup(
        id=str(entry["id"]),
        time=_time(manifest.get("time")),
        size=_number(manifest.get("bytes")),
        unpacked=_number(manifest.get("unpacked")),
        parts=tuple(str(part.get("part")) for part in parts if part.get("part") != "files"),
        files=sum(_number(part.get("files")) for part in parts),
        release=str(release.get("id", "")),
        commit=str(release.get("commit", "")),
        images={service: str(tag) for service, tag in _mapping(release.get("tags")).items()},
        problem=str(entry.get("problem", "")),
        verified=str(entry.get("verified", "")),
        paused=_seconds(manifest.get("still")),  # the key in manifests, of older versions too
        rows={name: _number(count) for name, count in _mapping(manifest.get("rows")).items()},
    )


def matching(backups: tuple[Backup, ...], prefix: str) -> tuple[Backup, ...]:
    """Those whose timestamp starts with this prefix, latest first."""
    wanted = prefix.removeprefix(backups[0].id.removesuffix(backups[0].timestamp)) if backups else prefix
    return tuple(backup for backup in reversed(backups) if backup.timestamp.startswith(wanted))


@dataclass(frozen=True)
class Choice:
    """The chosen backup; `skipped` are those that match as well and are newer, but incomplete."""

    backup: Backup
    skipped: tuple[Backup, ...] = ()

    @property
    def summary(self) -> str:
        """Which one it is, and why none of the newer ones."""
        skipped = (f"skipping {backup.id}, which is incomplete: {backup.problem}" for backup in self.skipped)
        return "\n".join((*skipped, f"backup {self.backup.id}, made {ago(self.backup.time)}"))


def choose(backups: tuple[Backup, ...], prefix: str = "") -> Choice:
    """The latest complete one whose timestamp starts with this prefix. Raises UsageError, with a list, without any."""
    found = matching(backups, prefix)
    for number, backup in enumerate(found):
        if not backup.problem:
            return Choice(backup, found[:number])
    wanted = f"No complete backup starts with {prefix}." if prefix else "No complete backup found."
    remedy = "Run `deployer backups` to list all of them, or `deployer backup` to make one."
    raise UsageError(f"{wanted} {_listed(backups)}", remedy=remedy)


def _listed(backups: tuple[Backup, ...]) -> str:
    if not backups:
        return "There are no backups at all."
    latest = tuple(reversed(backups))[:SHOWN]
    lines = (f"  {one.id}" + (f" (incomplete: {one.problem})" if one.problem else "") for one in latest)
    older = len(backups) - len(latest)
    return "\n".join(("These exist:", *lines, *([f"  and {older} older ones"] if older else [])))


def _time(value: object) -> str:
    return str(value) if is_time(value) else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _seconds(value: object) -> float:
    return value if isinstance(value, int | float) and math.isfinite(value) else 0.0
