"""One part of a backup as a compressed tar archive, with the list of what it holds.

A file is read once: its bytes go to the archive and to its digest together, so that the list says what is in the
archive. Of a path that is added twice the later one counts, as it does for tar.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from deployer.remote.backup import tar
from deployer.remote.backup.attributes import with_attributes
from deployer.remote.backup.tar import Entry, Extents
from deployer.remote.backup.tree import FILE, LINK, Found, unreadable
from deployer.remote.failure import Failure
from deployer.remote.process import running

PIECE, PIPE = 1 << 17, 1 << 18
"""Bytes that are read at once, so that the processor's cache still has them for the digest; and what a pipe holds."""
SECONDS = 12 * 3600.0
MOST_EXTENTS = 1 << 16
"""A file with more holes is archived with their zeros."""
LINES = 5
"""Of what the compressor says."""
_ZEROS = memoryview(bytes(PIECE))


def suffix() -> str:
    return "zst" if shutil.which("zstd") else "gz"


def compressor(offsite: bool) -> tuple[str, ...]:
    """For restic the stream is cut where its content says so: an unchanged stretch is copied once. That takes twice as
    long."""
    return ("zstd", "-q", "-T0", *(("--rsyncable",) if offsite else ())) if suffix() == "zst" else ("gzip",)


@dataclass(frozen=True)
class Content:
    """An open file to be archived, of which `size` bytes count."""

    handle: int
    size: int


class Archive:
    """Takes members, and writes a line for each to `listing`. Raises Failure where it cannot be written."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", listing: IO[str]) -> None:
        self.name, self.listing = name, listing
        self._process = process
        self._buffer = memoryview(bytearray(PIECE))
        self._size = 0
        self._links: dict[tuple[int, int, int], tuple[str, str]] = {}

    def add(self, found: Found) -> os.stat_result | None:
        """Add what was found as it is now, and give its state before it was read; None where it is gone.

        Raises Failure where it cannot be read.
        """
        entry = Entry.of(found.path, found.state)
        try:
            if found.kind == FILE:
                return self._add_file(found)
            if found.kind == LINK:
                self.add_entry(replace(entry, target=found.target))
            else:
                self.add_entry(with_attributes(entry, found.handle))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(found.path, error) from error
        return found.state

    def add_entry(self, entry: Entry, content: Content | None = None) -> str:
        """Add a member; gives the digest of its content. Where that has ended early the rest is zeros."""
        stretches = extents(content) if content else None
        self._write(tar.header(entry, extents=stretches))
        digest = self._copied(content, stretches) if content else ""
        self._list(entry, digest)
        return digest

    def add_link(self, entry: Entry, to: str, digest: str) -> None:
        """Add a further name of a file that is in the archive as `to`, and has this digest."""
        self._write(tar.header(entry, hard_link_to=to))
        self._list(entry, digest)

    def close(self) -> None:
        """End the archive. Raises Failure where it could not be written."""
        self._write(tar.end(self._size))
        self._end()

    def _add_file(self, found: Found) -> os.stat_result:
        handle = found.open()
        try:
            state = os.fstat(handle)
            entry = with_attributes(Entry.of(found.path, state), handle)
            same = (state.st_dev, state.st_ino, state.st_ctime_ns)
            if same in self._links:
                self.add_link(entry, *self._links[same])
                return state
            digest = self.add_entry(entry, Content(handle, state.st_size))
            if state.st_nlink > 1:
                self._links[same] = (entry.path, digest)
            return state
        finally:
            os.close(handle)

    def _list(self, entry: Entry, digest: str) -> None:
        self.listing.write(json.dumps(entry.listed(digest)) + "\n")

    def _copied(self, content: Content, known: Extents | None) -> str:
        """Write the content, of a file with holes its extents alone."""
        digest, position = hashlib.sha256(), 0
        stretches = ((0, content.size),) if known is None else known
        for offset, length in stretches:
            for piece in _zeros(offset - position):
                digest.update(piece)
            for piece in self._pieces(content.handle, offset, offset + length):
                digest.update(piece)
                self._write(piece)
            position = offset + length
        self._write(tar.padding(sum(length for _, length in stretches)))
        return digest.hexdigest()

    def _pieces(self, handle: int, offset: int, end: int) -> Iterator[memoryview]:
        while offset < end:
            read = os.preadv(handle, [self._buffer[: end - offset]], offset)
            if not read:
                yield from _zeros(end - offset)
                return
            yield self._buffer[:read]
            offset += read

    def _write(self, piece: "bytes | memoryview") -> None:
        try:
            self._process.stdin.write(piece)  # type: ignore[union-attr]  # it is a pipe
            self._size += len(piece)
        except BrokenPipeError:
            self._end()

    def _end(self) -> None:
        """Wait for the compressor, and pass on what it says where it failed."""
        _, error = self._process.communicate()
        if self._process.returncode:
            lines = error.decode(errors="replace").splitlines()[-LINES:] or ["it was ended"]
            raise Failure("\n".join((f"{self.name} could not be written:", *(f"  | {line}" for line in lines))))


@contextmanager
def archiving(target: Path, listing: IO[str], *, offsite: bool = False) -> Iterator[Archive]:
    """An archive in this file; whoever adds to it closes it, otherwise it is not complete."""
    with (
        target.open("wb") as file,
        running(*compressor(offsite), limit=SECONDS, stdin=subprocess.PIPE, into=file) as process,
    ):
        with suppress(OSError):  # a limit of the kernel for all pipes of a user
            fcntl.fcntl(process.stdin or -1, fcntl.F_SETPIPE_SZ, PIPE)
        yield Archive(target.name, process, listing)


def extents(content: Content) -> Extents | None:
    """Where a file has content; None where it has no hole worth a map."""
    if os.fstat(content.handle).st_blocks * 512 >= content.size:
        return None
    found: list[tuple[int, int]] = []
    position = 0
    while position < content.size and len(found) <= MOST_EXTENTS:
        try:
            begin = os.lseek(content.handle, position, os.SEEK_DATA)
        except OSError:  # ENXIO: there is a hole to the end
            break
        position = min(os.lseek(content.handle, begin, os.SEEK_HOLE), content.size)
        if begin < position:
            found.append((begin, position - begin))
    if len(found) > MOST_EXTENTS or found == [(0, content.size)]:
        return None
    return [*found, (content.size, 0)]


def _zeros(count: int) -> Iterator[memoryview]:
    while count > 0:
        yield _ZEROS[: min(PIECE, count)]
        count -= PIECE


def check_written(archive: Path, stack: ExitStack) -> Callable[[], None]:
    """Begin to compare the file on the disk with the checksum that the compressor has put into it.

    Gives what waits for the result, and raises Failure where it is not what was written.
    """
    words = ("zstd", "-q", "-t", str(archive)) if archive.suffix == ".zst" else ("gzip", "-t", str(archive))
    process = stack.enter_context(running(*words, limit=SECONDS))

    def wait() -> None:
        _, error = process.communicate()
        if process.returncode:
            why = (error.decode(errors="replace").splitlines() or ["it cannot be read"])[-1]
            raise Failure(f"{archive.name} is not what was written: {why}")

    return wait
