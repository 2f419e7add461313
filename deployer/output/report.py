"""What a run reports: a protocol for the engine, and its events as frozen data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from deployer.errors import DeployerError

Verdict = Literal["unchanged", "changed", "would change", "unknown", "failed"]


@dataclass
class Verdicts:
    """How each step ended, in order: added by whoever reports a step, counted by the recap."""

    all: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        self.all.append(verdict)

    def count(self, *wanted: Verdict) -> int:
        """How many ended in one of these ways."""
        return sum(verdict in wanted for verdict in self.all)


ChangeState = Literal["", "done", "undone", "failed", "not run"]
"""What became of a change of a step that failed."""


@dataclass(frozen=True)
class ShownChange:
    """A change as it is printed: why in one line; `diff` is empty where no file changes, its secrets are masked."""

    why: str
    diff: str = ""
    state: ChangeState = ""


@dataclass(frozen=True)
class ShownNote:
    """A note as it is printed, and what to do about it."""

    text: str
    remedy: str = ""


@dataclass(frozen=True)
class StepReport:
    """How one step ended, or would; `seconds` it took. `reason` is why it is unknown or failed."""

    name: str
    section: str
    verdict: Verdict
    changes: Sequence[ShownChange] = ()
    notes: Sequence[ShownNote] = ()
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
    """Where a run reports what it does."""

    def outline(self, titles: Sequence[str]) -> None:
        """What steps there will be, in their order."""

    def begin(self, section: str, what: str) -> None:
        """A step starts to act."""

    def line(self, text: str) -> None:
        """A line of remote output, or what the run is waiting for."""

    def step(self, step: StepReport) -> None:
        """A step is over."""

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        """A command's result: as an event for programs, as text for people."""

    def error(self, error: DeployerError) -> None:
        """The run failed."""

    def recap(self, recap: Recap) -> None:
        """The run is over."""
