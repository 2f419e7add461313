"""Every way a run can end badly, as one tree; the exit codes are the contract with the shell.

DeployerError                  1   a step failed
├── UsageError                 2   the command line
│   └── InventoryError         2   the inventory: all mistakes at once
├── ConnectionFailed           3   unreachable, refused, unknown or changed host key, no sudo
├── GateFailed                 4   a health gate failed and the former state serves
├── RollbackFailed             5   the way back failed too: a person is needed
├── LockHeld                   6   another run holds the lock
├── ChangesFound               10  --dry-run --detailed-exitcode
└── Interrupted                130 Ctrl-C

Each error carries what a person needs: what failed, where, the last lines, and what to do next.
"""

from dataclasses import dataclass


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
    """Holds one line for each mistake found."""


class ConnectionFailed(DeployerError):
    exit_code = 3


class GateFailed(DeployerError):
    exit_code = 4


class RollbackFailed(DeployerError):
    exit_code = 5


class LockHeld(DeployerError):
    exit_code = 6


class Interrupted(DeployerError):
    exit_code = 130
