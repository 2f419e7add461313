"""`backup`: a backup now, by the very functions that cron uses, under the lock."""

from deployer.commands.command import CHANGING, Choices, Command
from deployer.commands.running import Run, on_hosts

LIMIT = 12 * 3600
"""Seconds for one backup, however much it reads."""


def backup(choices: Choices) -> int:
    return on_hosts(choices, _backup)


def _backup(run: Run) -> int:
    from deployer.backup_scripts import backup_functions
    from deployer.changes import Run as Act
    from deployer.commands.converging import converge_once
    from deployer.shell import lines

    why = "back up data, logs, configuration and certificates; read it back"
    act = Act(why, lines(backup_functions(run.host), "backup"), within=LIMIT)
    return converge_once(run, "9.1 Backup", (act,))


COMMAND = Command(
    "backup",
    "Make a backup now, as cron does: consistent while the application writes, read back before it counts.",
    backup,
    CHANGING,
)
