"""The off-site snapshots of backups, as restic lists them."""

from deployer.backups.catalogue import Backup, parse
from deployer.errors import UsageError
from deployer.run.host_run import HostRun

TITLE = "9.3 Off-site snapshots"

FIELDS = ("id", "time", "size", "release")
"""What is known of a snapshot without fetching it."""


def snapshots(run: HostRun) -> tuple[Backup, ...]:
    """The backups in the off-site repository, oldest first. Raises DeployerError where they cannot be listed."""
    if not run.host.backup.offsite:
        raise UsageError(f"{run.host.file.name}: backup.offsite is not set", remedy="Set it as docs/offsite.md shows.")
    reply = run.call("offsite", "list", limit=180)
    if reply.exit_code != 0:
        remedy = "docs/offsite.md explains each message of restic."
        raise run.error("The off-site snapshots cannot be listed.", remedy=remedy, reply=reply, step=TITLE)
    return parse(reply.output.decode(errors="replace"))
