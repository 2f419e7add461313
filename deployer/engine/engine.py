"""Ask once, decide in pure code, then act: every planned change of a host is made here.

Three writes are outside any plan. Of bootstrap, `access/expired.py` changes an expired password, before which nothing
else can be done, and `commands/bootstrap.py` reopens root's login when a run has failed. `restore --from DIRECTORY`
streams a backup to the host, next to those that it has.

A dry run prints the very plan that a run applies. After a step that changed something the rest is asked again
(facts go stale), and at the end everything once more: then the plan must be empty.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from deployer.engine.changes import Send
from deployer.engine.executor import Executor, Outside, context_of, not_looked_at
from deployer.engine.facts import Answer, Resolve
from deployer.engine.lock import LockOwner
from deployer.engine.plan import Resolver, StepPlan, SurveyResult, asked_of_host, asked_of_names, name_of, plan
from deployer.engine.session import Session
from deployer.engine.step import Step
from deployer.engine.survey import parse, script_for
from deployer.engine.transfer import ImageTransfer, NoImageTransfer
from deployer.errors import ConnectionFailed, DeployerError, Interrupted
from deployer.inventory.model import Inventory
from deployer.output.report import Report, ShownChange, ShownNote, StepReport, Verdict, Verdicts
from deployer.transport.protocol import Transport


@dataclass(frozen=True)
class RunContext:
    """What a run needs of the operator's side: name servers, somewhere to tell, eyes outside, and a builder."""

    resolve: Resolver
    report: Report
    verdicts: Verdicts
    outside: Outside = not_looked_at
    sender: ImageTransfer = field(default_factory=NoImageTransfer)


class Engine:
    """Brings one host to what its steps ask for, or says what that would take."""

    def __init__(self, host: Inventory, transport: Transport, steps: Sequence[Step], operator: RunContext) -> None:
        self._host, self._transport, self._steps, self._report = host, transport, tuple(steps), operator.report
        self._asked = asked_of_host(host, self._steps)
        self._resolve, self._names = operator.resolve, Future[dict[Resolve, Answer]]()
        self._verdicts, self._outside, self._sender = operator.verdicts, operator.outside, operator.sender
        self._acted = False

    # -- looking ---------------------------------------------------------------------------------------------------

    def look(self) -> tuple[StepPlan, ...]:
        """One survey and the plan that follows from it: one round trip, no lock, nothing written."""
        self._start_resolving()
        reply = self._transport.run(script_for(self._asked), limit=120)
        return self._plan_all(self._known(reply.output))

    def preview(self) -> tuple[StepPlan, ...]:
        """Look, and report each step with what it would do. Raises DeployerError when something stands in the way."""
        plans = self.look()
        for planned in plans:
            self._tell(planned, _foreseen(planned))
        self._be_ready(plans)
        return plans

    # -- acting ----------------------------------------------------------------------------------------------------

    def apply(self, holder: LockOwner, *, wait: int) -> None:
        """Take the lock, and apply every step. Raises DeployerError at the first that fails."""
        session = Session.start(
            self._transport, self._host, holder, wait=wait, survey=script_for(self._asked), say=self._report.line
        )
        try:
            self._start_resolving()
            self._converge(session, self._known(session.survey_reply()), holder)
        except KeyboardInterrupt:
            session.stop()
            self._keep(session, holder, "interrupted")
            raise Interrupted(
                "interrupted; the lock is released, nothing runs on the host any more",
                remedy="run the same command again: it goes on where this run stopped",
            ) from None
        except DeployerError as error:
            self._keep(session, holder, f"failed: {error.what}")
            raise
        finally:
            session.end()

    def _converge(self, session: Session, known: SurveyResult, holder: LockOwner) -> None:
        self._be_ready(self._plan_all(known))
        for index, step in enumerate(self._steps):
            known = self._converge_step(session, index, step, known)
        if self._verdicts.count("changed"):
            self._prove_converged()
            self._keep(session, holder, "done")

    def _converge_step(self, session: Session, index: int, step: Step, known: SurveyResult) -> SurveyResult:
        began = time.monotonic()
        planned = plan(step, self._host, known)
        if planned.problems or planned.unknown:
            self._tell(planned, "failed", began)
            self._refuse_problems((planned,))
            raise DeployerError(planned.unknown, context=context_of(self._host, planned))
        if not planned.changes:
            self._tell(planned, "unchanged", began)
            return known
        self._act(session, planned, began)
        known = self._ask_again(self._steps[index:])
        now = plan(step, self._host, known)
        self._tell(replace(planned, notes=now.notes), "changed", began)
        self._must_be_empty(now)
        return known

    def _act(self, session: Session, planned: StepPlan, began: float) -> None:
        self._acted = True
        try:
            Executor(self._host, self._transport, session, self._report, self._outside, self._sender).act(planned)
        except ConnectionFailed:
            raise  # what was begun goes on without us: how it ends is not known
        except DeployerError:
            self._tell(planned, "failed", began)
            raise

    # -- checking --------------------------------------------------------------------------------------------------

    def _prove_converged(self) -> None:
        known = self._ask_again(self._steps)
        for step in self._steps:
            self._must_be_empty(plan(step, self._host, known))

    def _must_be_empty(self, planned: StepPlan) -> None:
        if planned.changes or planned.unknown:
            left = "; ".join(change.why for change in planned.changes) or planned.unknown
            raise DeployerError(
                f"applied, but the host still differs: {left}",
                remedy="run the same command with --dry-run --diff; something on the host undoes it",
                context=context_of(self._host, planned),
            )

    def _be_ready(self, plans: Sequence[StepPlan]) -> None:
        """Before anything is changed: nothing stands in the way, and whoever is to build on this side can."""
        self._refuse_problems(plans)
        if any(isinstance(change, Send) for planned in plans for change in planned.changes):
            self._sender.ready()

    def _refuse_problems(self, plans: Sequence[StepPlan]) -> None:
        stopped = [planned for planned in plans if planned.problems]
        if not stopped:
            return
        problems = [problem for planned in stopped for problem in planned.problems]
        for planned in stopped:
            if not self._verdicts.count("failed"):
                self._tell(planned, "failed")
        raise DeployerError(
            "\n".join(problem.text for problem in problems),
            remedy="\n".join(dict.fromkeys(problem.remedy for problem in problems if problem.remedy)),
            context=context_of(self._host, stopped[0]),
        )

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _ask_again(self, steps: Sequence[Step]) -> SurveyResult:
        asked = asked_of_host(self._host, steps)
        reply = self._transport.run(script_for(asked), limit=120)
        return SurveyResult(parse(reply.output, asked), self._names.result())

    def _known(self, reply: bytes) -> SurveyResult:
        return SurveyResult(parse(reply, self._asked), self._names.result())

    def _plan_all(self, known: SurveyResult) -> tuple[StepPlan, ...]:
        return tuple(plan(step, self._host, known) for step in self._steps)

    def _start_resolving(self) -> None:
        """Ask the name servers while the host is being asked."""
        names = asked_of_names(self._host, self._steps)
        pool = ThreadPoolExecutor(max_workers=1)
        self._names = pool.submit(lambda: dict(self._resolve(names)) if names else {})
        pool.shutdown(wait=False)

    def _tell(self, planned: StepPlan, verdict: Verdict, began: float | None = None) -> None:
        self._verdicts.add(verdict)
        seconds = time.monotonic() - began if began is not None else 0.0
        reason = planned.unknown or "; ".join(problem.text for problem in planned.problems)
        self._report.step(
            StepReport(name_of(planned.step), planned.step.TITLE, verdict, *_shown(planned), reason, seconds)
        )

    def _keep(self, session: Session, holder: LockOwner, result: str) -> None:
        """One line in the audit log for a run that changed, or tried to change, something; not for a refused one."""
        if self._acted:
            session.audit(holder.record(result, self._verdicts.count("changed")))


def _shown(planned: StepPlan) -> tuple[tuple[ShownChange, ...], tuple[ShownNote, ...]]:
    changes = tuple(ShownChange(change.why, getattr(change, "diff", "")) for change in planned.changes)
    return changes, tuple(ShownNote(note.text, note.remedy) for note in planned.notes)


def _foreseen(planned: StepPlan) -> Verdict:
    if planned.problems:
        return "failed"
    if planned.unknown:
        return "unknown"
    return "would change" if planned.changes else "unchanged"
