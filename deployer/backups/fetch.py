"""Bringing a backup onto the host before it is restored: from a directory on this machine, or from off-site copies."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from deployer.backups.catalogue import choose
from deployer.backups.offsite import copied
from deployer.backups.restore import TITLE
from deployer.backups.scripts.backup import archive_functions, offsite_functions
from deployer.engine.program import script
from deployer.engine.step import Step
from deployer.errors import Context, DeployerError, UsageError
from deployer.run.convergence import converge_on
from deployer.run.host_run import HostRun
from deployer.steps import offsite, packages
from deployer.text.shell import lines, quote
from deployer.transport.protocol import Reply

OFFSITE = "offsite"
PIECE = 1 << 20
LIMIT = 12 * 3600
"""Seconds for a transfer, however large."""


def bring(run: HostRun, source: str, prefix: str) -> str:
    """Have it lie on the host, whole and verified, and give its timestamp; `prefix` chooses among off-site copies."""
    return _fetch(run, prefix) if source == OFFSITE else send(run, source)


def _fetch(run: HostRun, prefix: str) -> str:
    """The host asks the repository itself."""
    if run.host.backup.offsite:
        ready(run, packages, offsite)
    chosen = choose(copied(run), prefix).backup
    run.report.begin(TITLE, f"fetch {chosen.id} from {run.host.backup.offsite}, and verify it")
    script_text = lines(offsite_functions(run.host), f"offsite_fetch {quote(chosen.id)}")
    _must_arrive(run, run.transport.run(script_text, limit=LIMIT))
    return chosen.timestamp


def send(run: HostRun, source: str) -> str:
    """Send the backup's directory, have it verified, and give its timestamp. Raises UsageError where it is none."""
    directory = Path(source).expanduser()
    pattern = re.escape(run.host.name) + r"_(\d{8}_\d{6})"
    named = re.fullmatch(pattern, directory.resolve().name)
    if not named or not (directory / "SHA256SUMS").is_file():
        what = f"--from {source}: that is no backup's directory"
        raise UsageError(what, remedy=f"a directory {run.host.name}_YYYYmmdd_HHMMSS as `deployer backup` makes it")
    ready(run, packages)
    receive = lines(archive_functions(run.host), script("backups/scripts/receive.sh", ID=named[0]))
    run.report.begin(TITLE, f"send {named[0]} to the host, and verify it there")
    _must_arrive(run, run.transport.run(receive, stdin=archived(directory), limit=LIMIT))
    return named[1]


def _must_arrive(run: HostRun, reply: Reply) -> None:
    output = (reply.output + reply.error).decode(errors="replace")
    if reply.exit_code != 0:
        context = Context(run.host.host_name, TITLE, exit_code=reply.exit_code, output=output)
        raise DeployerError("the backup did not arrive whole", remedy="run the same command again", context=context)


def ready(run: HostRun, *steps: Step) -> None:
    """A bare host lacks even what reads a backup."""
    converge_on(run, run.host, steps, "restore")


def archived(directory: Path) -> Iterator[bytes]:
    """Its files as a tar stream, a piece at a time."""
    for file in sorted(path for path in directory.iterdir() if path.is_file()):
        member = tarfile.TarInfo(file.name)
        member.size = file.stat().st_size
        yield member.tobuf(tarfile.PAX_FORMAT)
        with file.open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece
        yield bytes(-member.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)
