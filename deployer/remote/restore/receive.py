"""A backup that an operator sends, as a tar stream on standard input."""

import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import IO

from deployer.remote import output
from deployer.remote.backup.arrival import arrive, is_there
from deployer.remote.backup.catalogue import ID
from deployer.remote.failure import Failure
from deployer.remote.host import Host

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
"""Of a file in a backup."""
PIECE = 1 << 20


def receive(host: Host, name: str) -> None:
    """It gets its name once it is verified; one that is there already, and intact, is kept. Raises Failure."""
    if not re.fullmatch(re.escape(host.config.name) + ID, name):
        raise Failure(f"{name} is no name of a backup of {host.config.name}")
    if is_there(host, name):
        while sys.stdin.buffer.read(PIECE):
            pass
        output.say(f"{name} is on this host already, and intact")
        return
    arrive(host, name, lambda directory: _extract(sys.stdin.buffer, directory))


def _extract(stream: IO[bytes], directory: Path) -> None:
    """Files of a name each: nothing else is made, whatever the stream holds. Raises Failure."""
    directory.mkdir(mode=0o700)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if not member.isreg() or not NAME.fullmatch(member.name) or member.issparse():
                    raise Failure(f"the stream holds {member.name!r}, which is no file of a backup")
                content = archive.extractfile(member)
                if content:
                    with (directory / member.name).open("xb") as file:
                        shutil.copyfileobj(content, file, PIECE)
    except (tarfile.TarError, EOFError) as error:
        raise Failure(f"the backup did not arrive complete: {error}") from error
