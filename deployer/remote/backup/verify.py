"""Whether a backup is what was written: each file against its checksum, each archive against the list of files."""

import json
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from deployer.remote import files, output
from deployer.remote.backup import existing
from deployer.remote.backup.contents import Contents, Unsafe
from deployer.remote.backup.manifest import MODE, digest
from deployer.remote.backup.parts import PARTS, Part
from deployer.remote.backup.reading import opened
from deployer.remote.failure import Failure
from deployer.remote.host import Host

SHOWN = 3


def verify(host: Host, name: str) -> str:
    """The problem of a backup, empty where there is none: then the time is written into it."""
    backup = host.config.backups / name
    if not backup.is_dir():
        return f"{name} does not exist any more"
    if incomplete := existing.problem(backup):
        return f"{name} is incomplete: {incomplete}"
    if changed := _changed(backup):
        return f"{name} is damaged: {' '.join(changed)} is not what was written"
    try:
        differing = list(islice(_differing(host, backup), SHOWN))
    except Failure as failure:
        return f"{name} is damaged: {failure}"
    if differing:
        return f"{name} is damaged: {';'.join(f'{path} is not as in its list of files' for path in differing)}"
    files.write(backup / "verified", f"{output.now()}\n".encode(), MODE)
    return ""


def _changed(backup: Path) -> list[str]:
    """The files whose digest is another one than when the backup was made."""
    return [name for name, known in existing.sums(backup).items() if _digest(backup / name) != known]


def _digest(file: Path) -> str:
    try:
        return digest(file)
    except OSError:
        return ""


def _differing(host: Host, backup: Path) -> Iterator[str]:
    """Paths of the list of files, as JSON, that are not so in the archives. Raises Failure where one is unreadable."""
    archives = [contents for made in PARTS.values() if (contents := _contents(backup, made(host)))]
    try:
        with opened(backup, "files") as lines:
            for line in lines:
                if not any(contents.has(line) for contents in archives):
                    yield json.dumps(json.loads(line)["path"])
    except (ValueError, LookupError) as error:
        raise Failure(f"the list of its files cannot be read: {error}") from error


def _contents(backup: Path, part: Part) -> Contents | None:
    if not part.items:
        return None
    contents = Contents(tuple(item.path for item in part.items))
    try:
        with opened(backup, part.name) as stream:
            contents.read(stream)
    except (Unsafe, tarfile.TarError, EOFError) as error:
        raise Failure(f"not a valid archive: {error}; {backup.name}_{part.name} cannot be unpacked") from error
    return contents
