"""Every way a run can fail, as one tree; the exit codes are the contract with the shell.

DeployerError               1
├── UsageError              2
│   └── InventoryError      2
├── ConnectionFailed        3
├── GateFailed              4
├── RollbackFailed          5
├── LockHeld                6
└── Interrupted             130

Each error carries what a user needs: what failed, where, the last lines of output, and what to do next.
"""

from dataclasses import dataclass

EXIT_CODES = {
    0: "done, or nothing to do",
    1: "a step failed",
    2: "the command line or the inventory is wrong",
    3: "the host is unreachable, refused the login, or presents another host key",
    4: "a health check failed; the previous release is still serving",
    5: "undoing a failed change failed too; manual intervention is required",
    6: "another run holds the lock",
    10: "--dry-run --detailed-exitcode found changes",
    130: "interrupted; the lock is released",
}
"""What each exit code means to the shell. 0 and 10 are no errors."""


@dataclass(frozen=True)
class Context:
    """Where it happened. Empty fields are left out of the message."""

    host: str = ""
    step: str = ""
    command: str = ""
    exit_code: int | None = None
    output: str = ""


class DeployerError(Exception):
    """A failure that a user can cause or meet; shown as a message, never as a traceback."""

    exit_code = 1

    def __init__(self, what: str, *, remedy: str = "", context: Context | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.context = context or Context()


class UsageError(DeployerError):
    exit_code = 2


class InventoryError(UsageError):
    """All mistakes of an inventory at once, one a line."""


class ConnectionFailed(DeployerError):
    """Unreachable, refused, an unknown or changed host key, no sudo."""

    exit_code = 3


class GateFailed(DeployerError):
    """A health check failed and what was changed is undone: the previous release is still serving."""

    exit_code = 4


class RollbackFailed(DeployerError):
    """Undoing a failed change failed too: manual intervention is required."""

    exit_code = 5


class LockHeld(DeployerError):
    exit_code = 6


class Interrupted(DeployerError):
    exit_code = 130
