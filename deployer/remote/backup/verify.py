"""Whether a backup is what was written: each file against its checksum, each archive against the list of files."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from deployer.remote import files, output
from deployer.remote.backup import existing
from deployer.remote.backup.contents import Contents, Unsafe
from deployer.remote.backup.manifest import MODE, digest
from deployer.remote.backup.parts import PARTS
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import running

SECONDS = 12 * 3600.0
SHOWN = 3
READERS = {".zst": ("zstd", "-q", "-d", "-c"), ".gz": ("gzip", "-d", "-c")}


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
    archives = [contents for part in PARTS if (contents := _contents(backup, part(host).name, part(host).names))]
    try:
        with _read(backup, "files") as lines:
            for line in lines:
                if not any(contents.has(line) for contents in archives):
                    yield json.dumps(json.loads(line)["path"])
    except (ValueError, LookupError) as error:
        raise Failure(f"the list of its files cannot be read: {error}") from error


def _contents(backup: Path, part: str, names: tuple[str, ...]) -> Contents | None:
    if not names:
        return None
    contents = Contents(names)
    try:
        with _read(backup, part) as stream:
            contents.read(stream)
    except (Unsafe, tarfile.TarError, EOFError) as error:
        raise Failure(f"not a valid archive: {error}; {backup.name}_{part} cannot be unpacked") from error
    return contents


@contextmanager
def _read(backup: Path, part: str) -> Iterator[IO[bytes]]:
    """What is compressed in a file of a backup. Raises Failure where it cannot be read to its end."""
    file = next(backup.glob(f"{backup.name}_{part}.*"))
    with (
        file.open("rb") as compressed,
        running(*READERS.get(file.suffix, ("cat",)), limit=SECONDS, stdin=compressed) as process,
    ):
        yield process.stdout  # type: ignore[misc]  # it is a pipe
        rest, error = process.communicate()
        if process.returncode or rest:
            raise Failure(f"{file.name} cannot be read: {error.decode(errors='replace').strip()}")
