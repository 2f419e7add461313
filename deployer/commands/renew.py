"""`renew`: the certificate now, by the very functions that cron uses, under the lock."""

import time
from dataclasses import asdict

from deployer.certificates.expiry import Standing, asked, is_due, reason, standing
from deployer.certificates.scripts.certificate import certificate_functions
from deployer.engine.changes import Script
from deployer.engine.job import Job
from deployer.engine.lock import LockOwner
from deployer.engine.session import Session
from deployer.engine.survey import script_for
from deployer.errors import Context, DeployerError, Interrupted
from deployer.output.report import ShownChange, ShownNote, StepReport, Verdict
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.steps.certificates import TITLE as SECTION
from deployer.text.shell import lines, quote

DUPLICATES = ShownNote(
    "Let's Encrypt issues at most 5 certificates a week for the same names, forced ones included",
    "https://letsencrypt.org/docs/rate-limits/ ; --force is for a key that became known, not for a test",
)


def renew(choices: Choices) -> int:
    return on_hosts(choices, _renew)


def _renew(run: HostRun) -> int:
    if run.choices.flag("force") and run.host.tls.mode == "letsencrypt":
        run.report.data("note", asdict(DUPLICATES), f"note: {DUPLICATES.text}\n      {DUPLICATES.remedy}")
    if run.choices.flag("dry-run"):
        return _foresee(run)
    return _act(run)


def _foresee(run: HostRun) -> int:
    reply = run.transport.run(script_for(asked(run.host)), limit=60)
    found, force = standing(run.host, reply.output), run.choices.flag("force")
    why = reason(run.host, found, force=force)
    acts = run.host.tls.mode != "provided" and (force or is_due(run.host, found))
    change = ShownChange(why) if acts else None
    _tell(run, "would change" if change else "unchanged", why, change, time.monotonic())
    return 10 if change and run.choices.flag("detailed-exitcode") else 0


def _act(run: HostRun) -> int:
    began, holder = time.monotonic(), LockOwner.here("renew --force" if run.choices.flag("force") else "renew")
    session = Session.start(
        run.transport,
        run.host,
        holder,
        wait=run.choices.number("wait"),
        survey=script_for(asked(run.host)),
        on_line=run.report.line,
    )
    try:
        _under_lock(run, session, holder, began)
    except KeyboardInterrupt:
        session.stop()
        session.audit(holder.record("interrupted", None))
        raise Interrupted(
            "interrupted; the lock is released, the certificate in place is served",
            remedy="run the same command again",
        ) from None
    finally:
        session.end()
    return 0


def _under_lock(run: HostRun, session: Session, holder: LockOwner, began: float) -> None:
    before, acts = standing(run.host, session.survey_reply()), run.host.tls.mode != "provided"
    if acts:
        _do(run, session, holder)
    after = standing(run.host, run.transport.run(script_for(asked(run.host)), limit=60).output)
    if acts:
        session.audit(holder.record("done", int(before.digest != after.digest)))
    _conclude(run, before, after, began)


def _do(run: HostRun, session: Session, holder: LockOwner) -> None:
    run.report.begin(SECTION, f"renew the certificate of {', '.join(run.host.names)}")
    why = "renew the certificate"
    text = lines(certificate_functions(run.host), f"renew {quote('--force' if run.choices.flag('force') else '')}")
    job = Job(SECTION, (Script(why, text, within=900),), run.host.paths.env)
    result = session.do(job, lambda what: run.report.begin(SECTION, what), run.report.line)
    if result.exit_code != 0:
        session.audit(holder.record("failed: the certificate was not renewed", 0))
        context = Context(run.host.host_name, SECTION, exit_code=result.exit_code, output=result.output)
        raise DeployerError(
            "the certificate was not renewed; the one in place is served",
            remedy="mend what the last lines name, then run the same command again",
            context=context,
        )


def _conclude(run: HostRun, before: Standing, after: Standing, began: float) -> None:
    if before.digest == after.digest:
        _tell(run, "unchanged", reason(run.host, after, force=False), None, began)
    else:
        why = f"the certificate is renewed: {after.days_left} days left (was {before.days_left})"
        _tell(run, "changed", why, ShownChange(why), began)


def _tell(run: HostRun, verdict: Verdict, why: str, change: ShownChange | None, began: float) -> None:
    run.verdicts.add(verdict)
    changes, notes = ((change,), ()) if change else ((), (ShownNote(why),))
    run.report.step(StepReport("renew", SECTION, verdict, changes, notes, seconds=time.monotonic() - began))


COMMAND = Command(
    renew,
    (*CHANGING, Option("force", "also when it is not time (Let's Encrypt: at most 5 a week)", bool)),
)
