"""The backups in the off-site repository, as restic tells of them."""

from deployer.backups import catalogue as backups
from deployer.backups.catalogue import Backup
from deployer.errors import Context, DeployerError, UsageError
from deployer.run.host_run import HostRun

TOLD = ("id", "time", "size", "release")
"""What is known of a copy without fetching it."""

_DOCS = "docs/offsite.md says what each message means"


def copied(run: HostRun) -> tuple[Backup, ...]:
    """Those in the off-site repository, oldest first, as far as restic tells of them. Raises DeployerError."""
    from deployer.backups.scripts.backup import offsite_functions
    from deployer.steps.offsite import TITLE
    from deployer.text.shell import lines

    if not run.host.backup.offsite:
        raise UsageError(f"{run.host.file.name}: backup.offsite is not set", remedy="docs/offsite.md tells how")
    reply = run.transport.run(lines(offsite_functions(run.host), "offsite_list"), limit=180)
    if reply.exit_code != 0:
        context = Context(run.host.host_name, TITLE, exit_code=reply.exit_code, output=_text(reply.error))
        raise DeployerError("the off-site copies cannot be listed", remedy=_DOCS, context=context)
    return backups.parse(_text(reply.output))


def _text(said: bytes) -> str:
    return said.decode(errors="replace").strip()
