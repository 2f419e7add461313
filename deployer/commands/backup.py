"""`backup`: a backup now, by the very functions that cron uses, under the lock."""

from deployer.run.command import CHANGING, Choices, Command
from deployer.run.host_run import HostRun, on_hosts

TITLE = "9.1 Backup"
LIMIT = 12 * 3600
"""Seconds for one backup, however much it reads."""


def backup(choices: Choices) -> int:
    return on_hosts(choices, _backup)


def _backup(run: HostRun) -> int:
    if run.choices.flag("dry-run"):
        _foresee(run)
    from deployer.backups.scripts.backup import backup_functions, offsite_functions
    from deployer.engine.changes import Script
    from deployer.run.convergence import converge_all_once
    from deployer.steps.offsite import TITLE as OFFSITE
    from deployer.text.shell import lines

    why = "back up data, logs, configuration and certificates; read it back"
    steps = {TITLE: (Script(why, lines(backup_functions(run.host), "backup"), within=LIMIT),)}
    if run.host.backup.offsite:
        why = f"copy what is missing to {run.host.backup.offsite}; retention and, once a week, restic's check there"
        steps[OFFSITE] = (Script(why, lines(offsite_functions(run.host), "offsite_push"), within=LIMIT),)
    return converge_all_once(run, "backup", steps)


def _foresee(run: HostRun) -> None:
    """What would be read, and how much is needed. Raises DeployerError where the backup would be refused."""
    from deployer.backups.scripts.backup import foresight
    from deployer.errors import Context, DeployerError

    reply = run.transport.run(foresight(run.host), limit=600)
    told = reply.output.decode(errors="replace").splitlines()
    if reply.exit_code != 0:
        context = Context(run.host.host_name, TITLE, exit_code=reply.exit_code)
        raise DeployerError(
            "\n".join(told[-1:]) or "the host did not answer", remedy="mend that first", context=context
        )
    run.report.data("expected", {"lines": told}, "\n".join(told))


COMMAND = Command(
    backup,
    CHANGING,
)
