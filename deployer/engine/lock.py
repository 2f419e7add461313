"""The lock of a host: its owner, for other runs and for the audit log, and the wait for it."""

import getpass
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from deployer.errors import ConnectionFailed, DeployerError, LockHeld, RollbackFailed


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


class LockWait:
    """Reads what `session.sh` prints until it has the lock; `on_line` shows what is waited for."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._owner = ""
        self._recovery = ""

    def take(self, line: str) -> bool:
        """Whether the lock is taken. Raises LockHeld, RollbackFailed, ConnectionFailed."""
        if line == "locked":
            return True
        word, _, rest = line.partition(" ")
        shown = self._progress(word, rest)
        if shown is None:
            raise self._refusal(line)
        self._on_line(shown)
        return False

    def _progress(self, word: str, rest: str) -> str | None:
        match word:
            case "held":
                self._owner = _described(rest)
                shown = f"waiting: the lock is held by {self._owner}"
            case "attached":
                self._owner = f"a job of an earlier run, {rest or 'unnamed'}"
                shown = f"waiting for a job of an earlier run that is still running: {rest or 'unnamed'}"
            case "waiting":
                shown = f"still waiting for the lock; running now: {rest or 'unnamed'}"
            case "recovering":
                shown = "an earlier restore was interrupted: recovering from it first"
            case "recovery":
                self._recovery = shown = rest
            case _:
                return None
        return shown

    def _refusal(self, line: str) -> DeployerError:
        match line:
            case "stuck":
                return RollbackFailed("the recovery from an interrupted restore failed", remedy=self._recovery)
            case "busy":
                return LockHeld(
                    f"another run holds the lock: {self._owner}",
                    remedy="run this command again when it has ended, or add --wait SECONDS",
                )
            case _:
                return ConnectionFailed(f"the host did not give the lock: {line or 'no answer'}")


def _described(owner: str) -> str:
    try:
        known = json.loads(owner)
        return f"{known['who']}, running '{known['command']}' since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process on the host"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
