"""`backup`: make a backup now, with the program that cron uses, under the lock."""

from deployer.backups.backup import changes, show_estimate
from deployer.run.command import CHANGING, Choices, Command
from deployer.run.convergence import converge_all_once
from deployer.run.host_run import HostRun, on_hosts
from deployer.steps import host_program


def backup(choices: Choices) -> int:
    return on_hosts(choices, _backup)


def _backup(run: HostRun) -> int:
    if run.choices.flag("dry-run"):
        show_estimate(run)
    return converge_all_once(run, "backup", changes(run.host), before=(host_program,))


COMMAND = Command(
    backup,
    CHANGING,
    examples=("--host prod",),
)
