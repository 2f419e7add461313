"""Survey once, plan in pure code, then act: the only place that makes the changes of a step.

A dry run prints the very plan that a run applies. After a step that changed something the remaining steps are
surveyed again (facts go stale), and at the end all of them once more: then the plan must be empty.

What else writes to a host: `restore` sends a backup's directory to it, and unpacks one to compare it in a dry run;
`bootstrap` changes an expired password, before which nothing else can be done, and reopens root's login where it
failed; the programs of cron work under the same lock. None of it is part of a plan, and all of it can be repeated.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from deployer.engine.changes import Change, Send
from deployer.engine.executor import Executor, Outside, not_looked_at
from deployer.engine.facts import Answer, Resolve
from deployer.engine.image_transfer import ImageTransfer, NoImageTransfer
from deployer.engine.lock import LockOwner
from deployer.engine.plan import Resolver, StepPlan, SurveyResult, asked_of_host, asked_of_names, plan
from deployer.engine.progress import Progress, context_of, states_of
from deployer.engine.session import Session
from deployer.engine.step import Step
from deployer.engine.survey import parse, script_for
from deployer.errors import ConnectionFailed, DeployerError, Interrupted, RollbackFailed
from deployer.inventory.model import Inventory
from deployer.output.report import Report, Verdicts
from deployer.transport.protocol import Transport

SURVEY_LIMIT = 120.0
"""Seconds that a survey may take."""


@dataclass(frozen=True)
class RunContext:
    """The operator's side of a run: name servers, the report, the site seen from outside, and a builder of images."""

    resolve: Resolver
    report: Report
    verdicts: Verdicts
    outside: Outside = not_looked_at
    image_transfer: ImageTransfer = field(default_factory=NoImageTransfer)


class Engine:
    """Brings one host to the state that its steps describe, or previews what that would take."""

    def __init__(self, host: Inventory, transport: Transport, steps: Sequence[Step], context: RunContext) -> None:
        self._host, self._transport, self._steps, self._context = host, transport, tuple(steps), context
        self._progress = Progress(host, context.report, context.verdicts)
        self._questions = asked_of_host(host, self._steps)
        self._names = Future[dict[Resolve, Answer]]()
        self._acted = False
        context.report.outline([step.TITLE for step in self._steps])

    # -- preview ---------------------------------------------------------------------------------------------------

    def look(self) -> tuple[StepPlan, ...]:
        """One survey and the plan that follows from it: one round trip, no lock, nothing written."""
        self._start_resolving()
        return self._plan_all(self._survey(self._steps))

    def preview(self) -> tuple[StepPlan, ...]:
        """Look, and report what each step would do. Raises DeployerError when a step has a problem."""
        plans = self.look()
        self._progress.preview(plans)
        self._check_before_acting(plans)
        return plans

    # -- apply -----------------------------------------------------------------------------------------------------

    def apply(self, owner: LockOwner, *, wait: int) -> None:
        """Take the lock and apply every step. Raises DeployerError at the first that fails; `wait` in seconds."""
        survey, on_line = script_for(self._questions), self._context.report.line
        session = Session.start(self._transport, self._host, owner, wait=wait, survey=survey, on_line=on_line)
        try:
            self._start_resolving()
            self._converge(session, self._parsed(session.survey_reply()), owner)
        except KeyboardInterrupt:
            session.stop()
            self._audit(session, owner, "interrupted")
            raise Interrupted(
                "interrupted: the lock is released, and nothing of this run is left running on the host",
                remedy="run the same command again: it continues where this run stopped",
            ) from None
        except DeployerError as error:
            self._audit(session, owner, f"failed: {error.what}")
            raise
        finally:
            session.end()

    def _converge(self, session: Session, survey: SurveyResult, owner: LockOwner) -> None:
        self._check_before_acting(self._plan_all(survey))
        for index, step in enumerate(self._steps):
            survey = self._apply_step(session, index, step, survey)
        if self._context.verdicts.count("changed"):
            self._verify_converged()
            self._audit(session, owner, "done")

    def _apply_step(self, session: Session, index: int, step: Step, survey: SurveyResult) -> SurveyResult:
        """Act on one step where it has changes; returns the survey that the next step is planned from."""
        began = time.monotonic()
        planned = plan(step, self._host, survey)
        self._refuse(planned, began)
        if not planned.changes:
            self._progress.step(planned, "unchanged", began)
            return survey
        self._act(session, planned, began)
        survey = self._survey(self._steps[index:])
        now = plan(step, self._host, survey)
        self._progress.step(replace(planned, notes=now.notes), "changed", began)
        self._progress.require_converged(now)
        return survey

    def _refuse(self, planned: StepPlan, began: float) -> None:
        if planned.problems or planned.unknown:
            self._progress.step(planned, "failed", began)
            self._progress.refuse_problems((planned,))
            raise DeployerError(planned.unknown, context=context_of(self._host, planned))

    def _act(self, session: Session, planned: StepPlan, began: float) -> None:
        self._acted = True
        context, begun = self._context, list[Change]()

        def begin(change: Change) -> None:
            begun.append(change)
            context.report.begin(planned.step.TITLE, change.why)

        executor = Executor(
            self._host, self._transport, session, context.report, begin, context.outside, context.image_transfer
        )
        try:
            executor.act(planned)
        except ConnectionFailed:
            raise  # the job continues on the host, and how it ends is not known here
        except DeployerError as error:
            states = states_of(planned.changes, len(begun), undone=not isinstance(error, RollbackFailed))
            self._progress.step(planned, "failed", began, states)
            raise

    def _verify_converged(self) -> None:
        survey = self._survey(self._steps)
        for step in self._steps:
            self._progress.require_converged(plan(step, self._host, survey))

    def _check_before_acting(self, plans: Sequence[StepPlan]) -> None:
        """No step has a problem, and this machine can build where images are to be sent."""
        self._progress.refuse_problems(plans)
        if any(isinstance(change, Send) for planned in plans for change in planned.changes):
            self._context.image_transfer.ready()

    def _audit(self, session: Session, owner: LockOwner, result: str) -> None:
        """One line in the audit log for a run that changed, or tried to change, something; not for a refused one."""
        if self._acted:
            session.audit(owner.record(result, self._context.verdicts.count("changed")))

    # -- survey ----------------------------------------------------------------------------------------------------

    def _survey(self, steps: Sequence[Step]) -> SurveyResult:
        questions = asked_of_host(self._host, steps)
        reply = self._transport.run(script_for(questions), limit=SURVEY_LIMIT)
        return SurveyResult(parse(reply.output, questions), self._names.result())

    def _parsed(self, reply: bytes) -> SurveyResult:
        return SurveyResult(parse(reply, self._questions), self._names.result())

    def _plan_all(self, survey: SurveyResult) -> tuple[StepPlan, ...]:
        return tuple(plan(step, self._host, survey) for step in self._steps)

    def _start_resolving(self) -> None:
        """Ask the name servers during the survey of the host."""
        names = asked_of_names(self._host, self._steps)
        pool = ThreadPoolExecutor(max_workers=1)
        self._names = pool.submit(lambda: dict(self._context.resolve(names)) if names else {})
        pool.shutdown(wait=False)
