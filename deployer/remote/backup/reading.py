"""Reading the files of a backup, which are compressed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deployer.remote.failure import Failure
from deployer.remote.process import running

SECONDS = 12 * 3600.0
READERS = {".zst": ("zstd", "-q", "-d", "-c"), ".gz": ("gzip", "-d", "-c")}


@contextmanager
def opened(backup: Path, part: str) -> Iterator[IO[bytes]]:
    """What is compressed in a file of a backup. Raises Failure where it cannot be read to its end."""
    file = file_of(backup, part)
    if file is None:
        raise Failure(f"{backup.name} has no part {part}")
    with (
        file.open("rb") as compressed,
        running(*READERS.get(file.suffix, ("cat",)), limit=SECONDS, stdin=compressed) as process,
    ):
        yield process.stdout  # type: ignore[misc]  # it is a pipe
        rest, error = process.communicate()
        if process.returncode or rest:
            raise Failure(f"{file.name} cannot be read: {error.decode(errors='replace').strip()}")


def file_of(backup: Path, part: str) -> Path | None:
    """The file of a part; None where the backup has none."""
    return next(backup.glob(f"{backup.name}_{part}.*"), None)
