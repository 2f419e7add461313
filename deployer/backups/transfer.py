"""Bringing a backup onto the host before it is restored: from a directory on this machine, or from off-site."""

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deployer.backups.catalogue import choose
from deployer.backups.offsite import snapshots
from deployer.backups.prerequisites import Guide
from deployer.backups.restore import TITLE
from deployer.engine.changes import Script
from deployer.engine.host_program import call
from deployer.errors import UsageError
from deployer.remote.backup.catalogue import SUMS, sums_of
from deployer.remote.failure import Failure
from deployer.remote.handles import open_file
from deployer.run.convergence import converge_on, converge_once
from deployer.run.host_run import HostRun

OFFSITE = "offsite"
PIECE = 1 << 20
LIMIT = 12 * 3600
"""Seconds for a transfer, however large."""


def fetch(run: HostRun, source: str, prefix: str, guide: Guide) -> str:
    """Bring a backup onto the host, complete and verified; gives its timestamp.

    `source` is `offsite`, where `prefix` chooses, or a backup's directory on this machine.
    """
    return _from_offsite(run, prefix, guide) if source == OFFSITE else _from_directory(run, source, guide)


def _from_offsite(run: HostRun, prefix: str, guide: Guide) -> str:
    if run.host.backup.offsite:  # without it listing the snapshots raises UsageError
        converge_on(run, run.host, (guide.packages, guide.host_program, guide.offsite), "restore")
    chosen = choose(snapshots(run), prefix).backup
    why = f"fetch {chosen.id} from {run.host.backup.offsite}, and verify it"
    fetching = Script(why, call(run.host, "offsite", "fetch", chosen.id), within=LIMIT)
    converge_once(run, TITLE, (fetching,))
    return chosen.timestamp


def _from_directory(run: HostRun, source: str, guide: Guide) -> str:
    directory = Path(source).expanduser()
    identifier = _identifier(run, directory)
    converge_on(run, run.host, (guide.packages, guide.host_program), "restore")
    send(run, directory, identifier)
    return identifier.removeprefix(f"{run.host.name}_")


def _identifier(run: HostRun, directory: Path) -> str:
    name = directory.resolve().name
    if re.fullmatch(re.escape(run.host.name) + r"_\d{8}_\d{6}", name) and (directory / "SHA256SUMS").is_file():
        return name
    remedy = f"Give a directory {run.host.name}_YYYYmmdd_HHMMSS as `deployer backup` makes it."
    raise UsageError(f"--from {directory}: this is not the directory of a backup", remedy=remedy)


def send(run: HostRun, directory: Path, identifier: str) -> None:
    """Stream the directory to the host, which verifies it. Not a job of the engine: those are packed in memory."""
    run.report.begin(TITLE, f"send {identifier} to the host, and verify it there")
    reply = run.call("restore", "receive", identifier, stdin=archived(directory), limit=LIMIT)
    if reply.exit_code != 0:
        what = f"{identifier} did not arrive complete on the host."
        raise run.error(what, remedy="Fix the error above, then run this command again.", reply=reply, step=TITLE)


def archived(directory: Path) -> Iterator[bytes]:
    """The files of a backup as a tar stream, a piece at a time.

    The directory may be somebody else's: only regular files that its sums name are sent, and no link is followed.
    """
    for name in (SUMS, *sorted(sums_of(directory))):
        try:
            handle = open_file(directory, name)
        except (OSError, Failure) as error:
            raise UsageError(
                f"--from {directory}: {error}", remedy="Give the directory of a complete backup."
            ) from error
        with os.fdopen(handle, "rb") as opened:
            yield from _member(name, opened)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(name: str, opened: IO[bytes]) -> Iterator[bytes]:
    member = tarfile.TarInfo(name)
    member.size = left = os.fstat(opened.fileno()).st_size
    yield member.tobuf(tarfile.PAX_FORMAT)
    while left and (piece := opened.read(min(PIECE, left))):
        left -= len(piece)
        yield piece
    yield bytes(left + -member.size % tarfile.BLOCKSIZE)
