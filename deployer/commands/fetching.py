"""Bringing a backup onto the host before it is restored: from a directory on this machine, sent as one tar stream."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from deployer.backup_scripts import archive_functions
from deployer.commands.converging import converge, operator_of
from deployer.commands.running import Run
from deployer.engine import Engine
from deployer.errors import Context, DeployerError, UsageError
from deployer.remote.holder import Holder
from deployer.remote.scripts import script
from deployer.shell import lines
from deployer.steps import packages

PIECE = 1 << 20
LIMIT = 12 * 3600
"""Seconds for a transfer, however large."""


def send(run: Run, source: str) -> str:
    """Send the backup's directory, have it verified, and give its timestamp. Raises UsageError where it is none."""
    directory = Path(source).expanduser()
    pattern = re.escape(run.host.name) + r"_(\d{8}_\d{6})"
    named = re.fullmatch(pattern, directory.resolve().name)
    if not named or not (directory / "SHA256SUMS").is_file():
        what = f"--from {source}: that is no backup's directory"
        raise UsageError(what, remedy=f"a directory {run.host.name}_YYYYmmdd_HHMMSS as `deployer backup` makes it")
    ready(run)
    receive = lines(archive_functions(run.host), script("receive.sh", ID=named[0]))
    run.report.begin("9.2 Restore", f"send {named[0]} to the host, and verify it there")
    reply = run.transport.run(receive, stdin=archived(directory), limit=LIMIT)
    output = (reply.output + reply.error).decode(errors="replace")
    if reply.exit_code != 0:
        context = Context(run.host.file.stem, "9.2 Restore", exit_code=reply.exit_code, output=output)
        raise DeployerError("the backup did not arrive whole", remedy="run the same command again", context=context)
    return named[1]


def ready(run: Run) -> None:
    """A bare host lacks even what reads a backup."""
    converge(run, Engine(run.host, run.transport, (packages,), operator_of(run, run.host)), Holder.here("restore"))


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
