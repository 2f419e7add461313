"""Making a backup: its estimate, and its changes; cron runs the same program."""

from collections.abc import Mapping, Sequence

from deployer.backups import offsite
from deployer.engine.changes import Change, Script
from deployer.engine.host_program import run
from deployer.inventory.model import Inventory
from deployer.run.host_run import HostRun

TITLE = "9.1 Backup"
LIMIT = 12 * 3600
"""Seconds for one backup, however much it reads."""


def changes(host: Inventory) -> Mapping[str, Sequence[Change]]:
    """By the title of their step: the backup, and the off-site snapshot where there is a repository."""
    why = "back up data, logs, configuration and certificates, then verify the backup"
    steps = {TITLE: (Script(why, run(host, "backup"), within=LIMIT),)}
    if host.backup.offsite:
        why = (
            f"copy backups that are missing to {host.backup.offsite}; apply the retention, check the repository weekly"
        )
        steps[offsite.TITLE] = (Script(why, run(host, "offsite", "push"), within=LIMIT),)
    return steps


def show_estimate(run: HostRun) -> None:
    """What would be read, and how much disk that needs. Raises DeployerError where the backup would be refused."""
    reply = run.call("estimate", limit=600)
    printed = reply.output.decode(errors="replace").splitlines()
    if reply.exit_code != 0:
        what = "\n".join(printed[-1:]) or "The host did not answer."
        raise run.error(what, remedy="Fix this, then run this command again.", reply=reply, step=TITLE)
    run.report.data("expected", {"lines": printed}, "\n".join(printed))
