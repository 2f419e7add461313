"""The owner of a host's lock: shown to a run that finds the lock held, and recorded in the audit log."""

import getpass
import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True)
class LockOwner:
    """`since` is in UTC, ISO 8601."""

    who: str
    command: str
    since: str

    @classmethod
    def here(cls, command: str) -> Self:
        """The current user on this machine, from now on."""
        return cls(f"{getpass.getuser()}@{platform.node()}", command, _now())

    def record(self, result: str, changed: int | None) -> str:
        """A line of the audit log, in the form of session.sh; `changed` counts steps, None where that is unknown."""
        return json.dumps({"run": {**asdict(self), "result": result[:500]}, "changed": changed, "ended": _now()})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
