"""Drills: a backup restored into a throwaway copy on the same host, and the evidence of the last one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath

from deployer.inventory.model import Inventory
from deployer.remote.drill.copy import IMAGE, LABEL
from deployer.site import compose
from deployer.text.printable import printable

TITLE = "9.2 Drill"

OVERDUE_DAYS = 100
"""A quarter, and some days for a host that was off."""

_LEFT_OUT = frozenset({"depends_on", "healthcheck", "labels", "networks", "ports", "restart"})


@dataclass(frozen=True)
class Drill:
    """One drill: `check` is what the application's check printed, `rows` are those of each table of the database."""

    time: str
    backup: str
    result: str
    why: str = ""
    seconds: float = 0.0
    files: int = 0
    check: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    who: str = ""

    @property
    def passed(self) -> bool:
        return self.result == "passed"

    @property
    def summary(self) -> str:
        backup = self.backup or "no backup"
        if not self.passed:
            return f"{self.time}  FAILED: {backup}: {printable(self.why)}"
        rows = f", {sum(self.rows.values())} rows" if self.rows else ""
        return f"{self.time}  passed: {backup}, {self.files} files{rows}, {self.seconds:g} s"

    def warning(self, now: int) -> str:
        """What needs attention at this time (seconds since 1970); empty when all is well."""
        if not self.passed:
            return f"the last drill failed ({self.backup or 'no backup'}): {printable(self.why)}"
        days = int((datetime.fromtimestamp(now, UTC) - datetime.fromisoformat(self.time)).total_seconds() // 86400)
        return f"the last drill was {days} days ago; no backup was tested since" if days > OVERDUE_DAYS else ""


def last(lines: str) -> Drill | None:
    """The drill of the last readable line of drills.jsonl; a line that was cut off is skipped."""
    found = (_drill(line) for line in reversed(lines.splitlines()))
    return next((drill for drill in found if drill), None)


def _drill(line: str) -> Drill | None:
    try:
        entry = json.loads(line)
        datetime.fromisoformat(entry["time"])
        rows = {str(name): int(count) for name, count in (entry.pop("rows", None) or {}).items()}
        return Drill(**entry, rows=rows)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


# -- the copy ----------------------------------------------------------------------------------------------------------


def directory(host: Inventory) -> PurePosixPath:
    return host.paths.state / "drill"


def compose_file(host: Inventory) -> str:
    """The services that have data, on the copy of it: in a project and an internal network of their own."""
    live = compose.services(host)
    services = {name: _copied(host, live[name]) for name in (compose.BACKEND, compose.DATABASE) if name in live}
    services[compose.BACKEND]["image"] = IMAGE
    labels = {LABEL: host.name}
    network = {"name": f"{host.name}-drill", "internal": True, "labels": labels}
    document = {"name": f"{host.name}-drill", "services": services, "networks": {"default": network}}
    return compose.dumped(document)


def _copied(host: Inventory, service: compose.Service) -> compose.Service:
    kept = {key: value for key, value in service.items() if key not in _LEFT_OUT}
    copied = {key: _in_copy(host, value) if key in ("env_file", "volumes") else value for key, value in kept.items()}
    return {**copied, "labels": {LABEL: host.name}}


def _in_copy(host: Inventory, paths: object) -> list[str]:
    """Paths below the root directory as those of the copy. Raises ValueError for any other path of the host."""
    listed = [str(path) for path in paths] if isinstance(paths, list) else []
    return [str(directory(host) / "new" / PurePosixPath(path).relative_to(host.root)) for path in listed]
