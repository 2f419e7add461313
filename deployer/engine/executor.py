"""The changes of one step, in order: jobs on the host, and between them what is done from the operator's side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.engine.changes import Change, Gate, OutsideCheck, Script, SecondLogin, Send, can_be_undone
from deployer.engine.image_transfer import ImageTransfer
from deployer.engine.job import Job
from deployer.engine.job_output import JobResult
from deployer.engine.plan import StepPlan, name_of
from deployer.engine.progress import context_of
from deployer.engine.session import Session
from deployer.errors import Context, DeployerError, GateFailed, RollbackFailed
from deployer.inventory.model import Inventory
from deployer.output.report import Report
from deployer.transport.protocol import Transport

Outside = Callable[[], Mapping[str, str]]
"""The failed checks of the site from outside: by name of the check, what was seen."""

_MANUAL = (
    "manual intervention is required: see `deployer status` and `deployer logs`, fix the error above, "
    "then run this command again"
)
_FIX = "fix the error above and run this command again"


def not_looked_at() -> Mapping[str, str]:
    """For a run that does not check the site from outside."""
    return {}


@dataclass(frozen=True)
class Executor:
    """Makes changes on one host, under the lock that the session holds."""

    host: Inventory
    transport: Transport
    session: Session
    report: Report
    on_change: Callable[[Change], None]
    """Gets each of the step's changes when it begins."""
    outside: Outside
    image_transfer: ImageTransfer

    def act(self, planned: StepPlan) -> None:
        """Make the step's changes. Raises DeployerError at the first that fails, after undoing those before it."""
        checks = any(isinstance(change, OutsideCheck) for change in planned.changes)
        before = self.outside() if checks else {}
        for group in _groups(planned.changes):
            match group[0]:
                case SecondLogin():
                    self._check_second_login(planned, group[0])
                case OutsideCheck():
                    self._check_from_outside(planned, group[0], before)
                case Send():
                    self._send(planned, group[0])
                case _:
                    self._run_or_fail(planned, group)

    def _run_or_fail(self, planned: StepPlan, changes: Sequence[Change]) -> None:
        result = self._run(planned, changes, self.on_change)
        if result.exit_code != 0:
            raise _failure(changes, result, context_of(self.host, planned))

    def _run(self, planned: StepPlan, changes: Sequence[Change], on_change: Callable[[Change], None]) -> JobResult:
        job = Job(planned.step.TITLE, changes, self.host.paths.env)
        result = self.session.do(job, on_change, self.report.line)
        if result.parts:
            text = " · ".join(f"{name} {seconds:.1f} s" for name, seconds in result.parts.items())
            fields: dict[str, object] = {"step": name_of(planned.step), "parts": dict(result.parts)}
            self.report.data("parts", fields, f"              {text}")
        return result

    def _check_from_outside(self, planned: StepPlan, check: OutsideCheck, before: Mapping[str, str]) -> None:
        """Undo the step where a check fails that passed before it."""
        self.on_change(check)
        found = self.outside()
        worse = {name: seen for name, seen in found.items() if name not in before}
        if not worse:
            self._name_former_faults(found)
            return
        undo = Script("roll back to the previous state", check.undo, within=check.within, critical=True)
        result = self._run(planned, (undo,), lambda change: self.report.begin(planned.step.TITLE, change.why))
        what = "; ".join(f"{name}: {seen}" for name, seen in worse.items())
        context = replace(context_of(self.host, planned), output=result.output, exit_code=result.exit_code)
        if result.exit_code != GateFailed.exit_code:
            raise RollbackFailed(f"{what}; the rollback failed too", remedy=_MANUAL, context=context)
        raise GateFailed(f"{what}; the previous release is still serving", remedy=_FIX, context=context)

    def _name_former_faults(self, found: Mapping[str, str]) -> None:
        """What failed before the step as well is no reason to undo it, and no reason to be silent."""
        if found:
            seen = "; ".join(f"{name}: {what}" for name, what in found.items())
            text, remedy = f"the site is no worse than before, and not well: {seen}", "deployer verify"
            self.report.data("note", {"text": text, "remedy": remedy}, f"note: {text}\n      {remedy}")

    def _check_second_login(self, planned: StepPlan, login: SecondLogin) -> None:
        self.on_change(login)
        second = self.transport.again()
        try:
            reply = second.run(login.script, limit=60)
        finally:
            second.close()
        if reply.exit_code != 0:
            raise DeployerError(f"{login.why}: refused", context=context_of(self.host, planned))

    def _send(self, planned: StepPlan, send: Send) -> None:
        self.on_change(send)
        try:
            self.image_transfer.send(send, self.transport)
        except DeployerError as error:
            where = context_of(self.host, planned)
            error.context = replace(error.context, host=where.host, step=where.step)
            raise


def _groups(changes: Sequence[Change]) -> Sequence[Sequence[Change]]:
    """Changes that travel as one job; each one made from the operator's side is a group of its own."""
    groups: list[list[Change]] = []
    for change in changes:
        alone = isinstance(change, SecondLogin | OutsideCheck | Send)
        if alone or not groups or isinstance(groups[-1][0], SecondLogin | OutsideCheck | Send):
            groups.append([])
        groups[-1].append(change)
    return groups


def _failure(changes: Sequence[Change], result: JobResult, context: Context) -> DeployerError:
    failed = changes[result.failed - 1] if result.failed else None
    what = f"{failed.why}: {result.cause or 'failed'}" if failed else "the job ended before its first change"
    context = replace(context, output=result.output, exit_code=result.exit_code)
    if not result.undone or result.exit_code == RollbackFailed.exit_code:
        return RollbackFailed(f"{what}, and undoing it failed too", remedy=_MANUAL, context=context)
    undone = any(can_be_undone(change) for change in changes[: result.failed])
    if result.exit_code == GateFailed.exit_code or (isinstance(failed, Gate) and undone):
        return GateFailed(f"{what}; the previous release is still serving", remedy=_FIX, context=context)
    return DeployerError(what, remedy=_FIX, context=context)
