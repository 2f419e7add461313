"""One JSON object a line on standard output, and nothing else there."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TextIO

from deployer.errors import DeployerError
from deployer.output.report import Recap, ShownChange, StepReport


class JsonLines:
    """For programs: every event with a field `event`, the recap last."""

    def __init__(self, out: TextIO, log: TextIO) -> None:
        self._out, self._log = out, log

    def outline(self, titles: Sequence[str]) -> None:
        """A step's event has its section of the guide, which does not change from run to run."""

    def begin(self, section: str, what: str) -> None:
        print(f"{section}: {what}", file=self._log, flush=True)

    def line(self, text: str) -> None:
        """Remote output is for people; it stays out of the events."""

    def step(self, step: StepReport) -> None:
        self._write(
            "step",
            step=step.name,
            section=step.section,
            verdict=step.verdict,
            changes=[_change(change) for change in step.changes],
            notes=[asdict(note) for note in step.notes],
            reason=step.reason,
            seconds=round(step.seconds, 3),
        )

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        self._write(event, **fields)

    def error(self, error: DeployerError) -> None:
        context = {key: value for key, value in asdict(error.context).items() if value not in ("", None)}
        self._write("error", message=error.what, remedy=error.remedy, exit_code=error.exit_code, context=context)

    def recap(self, recap: Recap) -> None:
        self._write("recap", **{**asdict(recap), "seconds": round(recap.seconds, 3)})

    def _write(self, event: str, **fields: object) -> None:
        print(json.dumps({"event": event, **fields}), file=self._out, flush=True)


def _change(change: ShownChange) -> dict[str, str]:
    """Only of a step that failed its state."""
    return {"why": change.why, "diff": change.diff, **({"state": change.state} if change.state else {})}
