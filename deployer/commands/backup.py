"""`backup`: a backup now, by the very functions that cron uses, under the lock."""

from deployer.commands.command import CHANGING, Choices, Command
from deployer.commands.running import Run, on_hosts

LIMIT = 12 * 3600
"""Seconds for one backup, however much it reads."""


def backup(choices: Choices) -> int:
    return on_hosts(choices, _backup)


def _backup(run: Run) -> int:
    from deployer.backup_scripts import backup_functions, offsite_functions
    from deployer.changes import Run as Act
    from deployer.commands.converging import converge_all_once
    from deployer.shell import lines
    from deployer.steps.offsite import TITLE as OFFSITE

    why = "back up data, logs, configuration and certificates; read it back"
    steps = {"9.1 Backup": (Act(why, lines(backup_functions(run.host), "backup"), within=LIMIT),)}
    if run.host.backup.offsite:
        why = f"copy what is missing to {run.host.backup.offsite}; retention and, once a week, restic's check there"
        steps[OFFSITE] = (Act(why, lines(offsite_functions(run.host), "offsite_push"), within=LIMIT),)
    return converge_all_once(run, "backup", steps)


COMMAND = Command(
    "backup",
    "Make a backup now, as cron does: consistent while the application writes, read back before it counts.",
    backup,
    CHANGING,
)
