"""One step's changes, in order: jobs on the host, and between them what the operator's side does itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.engine.changes import Change, Gate, OutsideCheck, Script, SecondLogin, Send, WriteFiles
from deployer.engine.job import Job
from deployer.engine.plan import StepPlan, name_of
from deployer.engine.session import JobResult, Session
from deployer.engine.transfer import ImageTransfer
from deployer.errors import Context, DeployerError, GateFailed, RollbackFailed
from deployer.inventory.model import Inventory
from deployer.output.report import Report
from deployer.transport.protocol import Transport

Outside = Callable[[], Mapping[str, str]]
"""What is wrong with the site as a visitor sees it: by name of the check, what was seen."""

_PERSON = "a person is needed: look at `deployer status` and `deployer logs`, then run the same command again"
_MEND = "mend the cause, then run the same command again"


def not_looked_at() -> Mapping[str, str]:
    """For a run that does not ask from outside."""
    return {}


def context_of(host: Inventory, planned: StepPlan) -> Context:
    return Context(host=host.host_name, step=planned.step.TITLE)


@dataclass(frozen=True)
class Executor:
    """Acts on one host, under the lock that the session holds."""

    host: Inventory
    transport: Transport
    session: Session
    report: Report
    outside: Outside
    sender: ImageTransfer

    def act(self, planned: StepPlan) -> None:
        """Make the step's changes. Raises DeployerError at the first that fails, after what could be undone was."""
        looks = any(isinstance(change, OutsideCheck) for change in planned.changes)
        before = self.outside() if looks else {}
        for group in _groups(planned.changes):
            match group[0]:
                case SecondLogin():
                    self._log_in_again(planned, group[0])
                case OutsideCheck():
                    self._look_from_outside(planned, group[0], before)
                case Send():
                    self._send(planned, group[0])
                case _:
                    self._do(planned, group)

    def _do(self, planned: StepPlan, changes: Sequence[Change]) -> None:
        result = self._run(planned, changes)
        if result.exit_code != 0:
            raise _failure(changes, result, context_of(self.host, planned))

    def _run(self, planned: StepPlan, changes: Sequence[Change]) -> JobResult:
        section = planned.step.TITLE
        job = Job(section, changes, self.host.paths.env)
        result = self.session.do(job, lambda why: self.report.begin(section, why), self.report.line)
        if result.parts:
            text = " · ".join(f"{name} {seconds:.1f} s" for name, seconds in result.parts.items())
            fields: dict[str, object] = {"step": name_of(planned.step), "parts": dict(result.parts)}
            self.report.data("parts", fields, f"              {text}")
        return result

    def _look_from_outside(self, planned: StepPlan, look: OutsideCheck, before: Mapping[str, str]) -> None:
        """What was wrong before the step is not held against it."""
        self.report.begin(planned.step.TITLE, look.why)
        worse = {name: seen for name, seen in self.outside().items() if name not in before}
        if not worse:
            return
        back = Script("go back to what served before", look.undo, within=look.within, critical=True)
        result = self._run(planned, (back,))
        what = "; ".join(f"{name}: {seen}" for name, seen in worse.items())
        context = replace(context_of(self.host, planned), output=result.output, exit_code=result.exit_code)
        if result.exit_code != GateFailed.exit_code:
            raise RollbackFailed(f"{what}; going back failed too", remedy=_PERSON, context=context)
        raise GateFailed(f"{what}; the former state serves", remedy=_MEND, context=context)

    def _log_in_again(self, planned: StepPlan, login: SecondLogin) -> None:
        self.report.begin(planned.step.TITLE, login.why)
        second = self.transport.again()
        try:
            reply = second.run(login.script, limit=60)
        finally:
            second.close()
        if reply.exit_code != 0:
            raise DeployerError(f"{login.why}: refused", context=context_of(self.host, planned))

    def _send(self, planned: StepPlan, send: Send) -> None:
        self.report.begin(planned.step.TITLE, send.why)
        try:
            self.sender.send(send, self.transport)
        except DeployerError as error:
            where = context_of(self.host, planned)
            error.context = replace(error.context, host=where.host, step=where.step)
            raise


def _groups(changes: Sequence[Change]) -> Sequence[Sequence[Change]]:
    """Changes that travel together; what the operator's side does stands alone between them."""
    groups: list[list[Change]] = []
    for change in changes:
        alone = isinstance(change, SecondLogin | OutsideCheck | Send)
        if alone or not groups or isinstance(groups[-1][0], SecondLogin | OutsideCheck | Send):
            groups.append([])
        groups[-1].append(change)
    return groups


def _failure(changes: Sequence[Change], result: JobResult, context: Context) -> DeployerError:
    failed = changes[result.failed - 1] if result.failed else None
    what = f"{failed.why}: failed" if failed else "the job ended before its first change"
    context = replace(context, output=result.output, exit_code=result.exit_code)
    if not result.undone or result.exit_code == RollbackFailed.exit_code:
        return RollbackFailed(f"{what}, and taking it back failed too", remedy=_PERSON, context=context)
    undone = any(isinstance(change, WriteFiles) or getattr(change, "undo", "") for change in changes[: result.failed])
    if result.exit_code == GateFailed.exit_code or (isinstance(failed, Gate) and undone):
        return GateFailed(f"{what}; the former state serves", remedy=_MEND, context=context)
    return DeployerError(what, remedy=_MEND, context=context)
