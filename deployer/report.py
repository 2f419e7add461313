"""What a run tells: a protocol for the engine, and its events as frozen data. Printing is in `console` and `lines`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from deployer.changes import Change, Note
from deployer.errors import DeployerError

Verdict = Literal["in sync", "changed", "would change", "unknown", "failed"]


@dataclass(frozen=True)
class StepReport:
    """How one step ended, or would."""

    name: str
    section: str
    verdict: Verdict
    changes: Sequence[Change] = ()
    notes: Sequence[Note] = ()
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Recap:
    """The last line of a run."""

    host: str
    ok: int
    changed: int
    failed: int
    unknown: int
    round_trips: int
    seconds: float
    exit_code: int


class Report(Protocol):
    """Where the engine says what it does."""

    def begin(self, section: str, what: str) -> None:
        """A step starts to act."""

    def line(self, text: str) -> None:
        """A line of remote output, or what is waited for."""

    def step(self, step: StepReport) -> None:
        """A step is over."""

    def recap(self, recap: Recap) -> None:
        """The run is over."""

    def error(self, error: DeployerError) -> None:
        """The run failed."""
