"""The steps of a run as they end: each is reported and counted, and what stops them becomes one error."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from deployer.engine.changes import Change, can_be_undone
from deployer.engine.plan import StepPlan, name_of
from deployer.errors import Context, DeployerError
from deployer.inventory.model import Inventory
from deployer.output.report import ChangeState, Report, ShownChange, ShownNote, StepReport, Verdict, Verdicts

_PLANNED: ChangeState = ""


def context_of(host: Inventory, planned: StepPlan) -> Context:
    return Context(host=host.host_name, step=planned.step.TITLE)


@dataclass(frozen=True)
class Progress:
    """Reports the steps of one host."""

    host: Inventory
    report: Report
    verdicts: Verdicts

    def step(
        self, planned: StepPlan, verdict: Verdict, began: float | None = None, states: Sequence[ChangeState] = ()
    ) -> None:
        """Report how a step ended; `began` is a moment of time.monotonic(), `states` are those of its changes."""
        self.verdicts.add(verdict)
        seconds = time.monotonic() - began if began is not None else 0.0
        reason = planned.unknown or "; ".join(problem.text for problem in planned.problems)
        name, title = name_of(planned.step), planned.step.TITLE
        self.report.step(StepReport(name, title, verdict, *_shown(planned, states), reason, seconds))

    def preview(self, plans: Sequence[StepPlan]) -> None:
        """Report what each step would do."""
        for planned in plans:
            self.step(planned, _previewed(planned))

    def refuse_problems(self, plans: Sequence[StepPlan]) -> None:
        """Raise one DeployerError for all problems of all steps, where there are any."""
        stopped = [planned for planned in plans if planned.problems]
        if not stopped:
            return
        for planned in stopped:
            if not self.verdicts.count("failed"):
                self.step(planned, "failed")
        problems = [problem for planned in stopped for problem in planned.problems]
        raise DeployerError(
            "\n".join(problem.text for problem in problems),
            remedy="\n".join(dict.fromkeys(problem.remedy for problem in problems if problem.remedy)),
            context=context_of(self.host, stopped[0]),
        )

    def require_converged(self, planned: StepPlan) -> None:
        """Raise DeployerError where a step that was applied still has something to do."""
        if planned.changes or planned.unknown:
            left = "; ".join(change.why for change in planned.changes) or planned.unknown
            raise DeployerError(
                f"applied, but the host still differs: {left}",
                remedy="run the same command with --dry-run --diff; something on the host reverts the change",
                context=context_of(self.host, planned),
            )


def states_of(changes: Sequence[Change], begun: int, *, undone: bool) -> tuple[ChangeState, ...]:
    """Of the changes of a step that failed at the last one that was begun; `undone` is whether undoing succeeded."""

    def state(number: int, change: Change) -> ChangeState:
        if number >= begun:
            return "failed" if number == begun else "not run"
        return "undone" if undone and can_be_undone(change) else "done"

    return tuple(state(number, change) for number, change in enumerate(changes, 1))


def _shown(planned: StepPlan, states: Sequence[ChangeState]) -> tuple[tuple[ShownChange, ...], tuple[ShownNote, ...]]:
    known = states or [_PLANNED] * len(planned.changes)
    changes = tuple(
        ShownChange(change.why, getattr(change, "diff", ""), state)
        for change, state in zip(planned.changes, known, strict=True)
    )
    return changes, tuple(ShownNote(note.text, note.remedy) for note in planned.notes)


def _previewed(planned: StepPlan) -> Verdict:
    if planned.problems:
        return "failed"
    if planned.unknown:
        return "unknown"
    return "would change" if planned.changes else "unchanged"
