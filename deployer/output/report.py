"""What a run tells: a protocol for the engine, and its events as frozen data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from deployer.engine.changes import Change, Note
from deployer.errors import DeployerError

Verdict = Literal["in sync", "changed", "would change", "unknown", "failed"]


@dataclass(frozen=True)
class StepReport:
    """How one step ended, or would. `reason` is why it is unknown or failed."""

    name: str
    section: str
    verdict: Verdict
    changes: Sequence[Change] = ()
    notes: Sequence[Note] = ()
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Recap:
    """The last line of a run; steps are counted."""

    host: str
    ok: int
    changed: int
    failed: int
    unknown: int
    round_trips: int
    bytes_sent: int
    bytes_received: int
    seconds: float
    exit_code: int


class Report(Protocol):
    """Where a run says what it does."""

    def begin(self, section: str, what: str) -> None:
        """A step starts to act."""

    def line(self, text: str) -> None:
        """A line of remote output, or what is waited for."""

    def step(self, step: StepReport) -> None:
        """A step is over."""

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        """What a command answers: as an event for programs, as text for people."""

    def error(self, error: DeployerError) -> None:
        """The run failed."""

    def recap(self, recap: Recap) -> None:
        """The run is over."""
