"""Files of an image, read without running anything of it: an image needs no shell, and may be hostile.

Only regular files are given, as a stream of bounded size; no link of the image is followed, and nothing is unpacked.
"""

import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import IO, cast

from deployer.remote.failure import Failure
from deployer.remote.host import Host

IDENTITY = re.compile(r"^[0-9a-f]{64}$", re.MULTILINE)
PAGES = PurePosixPath("/usr/share/nginx/html")
"""The public files of the wallet's image."""
SECONDS = 300.0
LARGEST = 2 << 30
"""Bytes of the files below one directory, with their names."""

Files = Iterator[tuple[PurePosixPath, IO[bytes]]]
"""Each one's path, from the last name of the path that was asked for on, and its content, which is to be read first."""


@contextmanager
def container_of(host: Host, image: str, *words: str) -> Iterator[str]:
    """The id of a container that is never started, and removed with its volumes. Raises Failure."""
    label = f"com.docker.compose.project={host.config.name}-look"
    result = host.docker("create", "--label", label, image, *words)
    found = IDENTITY.search(result.text)
    if not result.succeeded or not found:
        raise Failure(f"Docker did not create a container of {image}:\n{result.last_lines}")
    try:
        yield found[0]
    finally:
        host.docker("rm", "--force", "--volumes", found[0])


@contextmanager
def files_below(host: Host, container: str, path: PurePosixPath, largest: int = 0) -> Iterator[Files]:
    """The regular files of a directory, or the file itself; none where there is no such path.

    Raises Failure, also while they are read, where they are larger than so many bytes (by itself LARGEST), or cannot be
    read.
    """
    try:
        with _copied(host, f"{container}:{path}") as copied:
            yield _regular(_Bounded(copied, largest or LARGEST, path))
    except tarfile.TarError as error:
        raise Failure(f"{path} of the image cannot be read: {error}") from error


@contextmanager
def _copied(host: Host, source: str) -> Iterator[IO[bytes]]:
    """The archive that Docker prints, while it does. What is not read ends Docker's command."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as pool:
        with os.fdopen(reading, "rb") as archive:
            ended = pool.submit(_copy, host, source, os.fdopen(writing, "wb"))
            yield archive
        ended.result()


def _copy(host: Host, source: str, into: IO[bytes]) -> None:
    with suppress(BrokenPipeError), into:
        host.docker("cp", source, "-", limit=SECONDS, into=into)


class _Bounded:
    """A stream that raises Failure once more was read of it than it may have."""

    def __init__(self, source: IO[bytes], largest: int, path: PurePosixPath) -> None:
        self._source, self._rest, self._largest, self._path = source, largest, largest, path

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._rest -= len(data)
        if self._rest < 0:
            raise Failure(f"{self._path} of the image is larger than {self._largest >> 20} MiB")
        return data


def _regular(source: _Bounded) -> Files:
    try:
        with tarfile.open(fileobj=cast(IO[bytes], source), mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content and ".." not in (path := PurePosixPath(member.name)).parts:
                    yield path, content
    except tarfile.ReadError as error:
        if str(error) != "empty file":  # Docker prints nothing where there is no such path
            raise


def colon_fields(host: Host, container: str, path: str) -> Sequence[Sequence[str]]:
    """The lines of a file such as /etc/passwd, each split at its colons; none where it is no regular file."""
    with files_below(host, container, PurePosixPath(path), 1 << 20) as found:
        lines = [line for _, content in found for line in content.read().decode(errors="replace").splitlines()]
    return [fields for line in lines if len(fields := line.split(":")) > 3]
