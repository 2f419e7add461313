"""Files that changed during a backup, set aside while the application is paused."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.remote.backup import sizes
from deployer.remote.backup.archive import Content, extents
from deployer.remote.backup.attributes import with_attributes
from deployer.remote.backup.tar import Entry
from deployer.remote.backup.tree import DIRECTORY, FILE, LINK, Found, shown, signature, unreadable
from deployer.remote.failure import Failure

PIECE = 1 << 24
"""Bytes that are copied at once."""
SPARE = 32_000_000
"""Bytes that are left free on the application's disk."""


@dataclass(frozen=True)
class Copy:
    """What was set aside: its entry, the file that has its content, or the path whose further name it is.

    `is_shared` is a file with several names.
    """

    entry: Entry
    content: Path | None = None
    link_to: str = ""
    is_shared: bool = False


class Staging:
    """A directory of root's on the disk of the application's files. `left` gives the seconds that there are."""

    def __init__(self, directory: Path, left: Callable[[], float]) -> None:
        self.directory, self._left = directory, left
        self.copies: dict[str, Copy] = {}
        self._links: dict[tuple[int, int], str] = {}
        self._largest = ("none", 0)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700, parents=True)

    def add(self, found: Found) -> None:
        """Set it aside as it is. Raises Failure where somebody else changes it, or there is no time for it."""
        entry = Entry.of(found.path, found.state)
        try:
            if found.kind == FILE:
                self.copies[found.path] = self._file(found)
            elif found.kind == DIRECTORY:
                self.copies[found.path] = Copy(with_attributes(entry, found.handle))
            elif found.kind == LINK:
                self.copies[found.path] = Copy(replace(entry, target=found.target))
        except FileNotFoundError as error:
            raise _foreign_writer(found.path, "it is gone") from error
        except TimeoutError as error:
            raise Failure(f"what changed during the backup could not be set aside in time: {self._summary}") from error
        except OSError as error:
            raise unreadable(found.path, error) from error

    def _file(self, found: Found) -> Copy:
        handle = found.open()
        try:
            state = os.fstat(handle)
            entry, same = with_attributes(Entry.of(found.path, state), handle), (state.st_dev, state.st_ino)
            is_shared = state.st_nlink > 1
            if is_shared and same in self._links:
                return Copy(entry, link_to=self._links[same], is_shared=True)
            content = self.directory / str(len(self.copies))
            self._check_space(found.path, state)
            self._copy(Content(handle, state.st_size), content)
            if signature(os.fstat(handle)) != signature(found.state):
                raise _foreign_writer(found.path, "it changed while it was read")
        finally:
            os.close(handle)
        if is_shared:
            self._links[same] = found.path
        return Copy(entry, content, is_shared=is_shared)

    def _check_space(self, path: str, state: os.stat_result) -> None:
        """Raises Failure where the application's disk would be filled."""
        size = min(state.st_size, state.st_blocks * 512)
        self._largest = max(self._largest, (path, size), key=lambda one: one[1])
        needed, free = size + SPARE, sizes.free(self.directory)
        if free < needed:
            what = f"not enough disk space in {self.directory.parent.parent} for what changed during the backup"
            raise Failure(f"{what}: {sizes.megabytes(needed)} are needed, {sizes.megabytes(free)} are free")

    @property
    def _summary(self) -> str:
        path, size = self._largest
        return f"{len(self.copies)} files, the largest {shown(path)} ({sizes.megabytes(size)})"

    def _copy(self, content: Content, to: Path) -> None:
        with to.open("xb") as file:
            os.ftruncate(file.fileno(), content.size)
            for offset, length in extents(content) or ((0, content.size),):
                end, position = offset + length, offset
                os.lseek(file.fileno(), offset, os.SEEK_SET)
                while position < end and (sent := self._send(file.fileno(), content.handle, position, end)):
                    position += sent

    def _send(self, to: int, handle: int, position: int, end: int) -> int:
        if self._left() < 0:
            raise TimeoutError
        return os.sendfile(to, handle, position, min(PIECE, end - position))


def _foreign_writer(path: str, what: str) -> Failure:
    """Whoever is no container of the application cannot be paused."""
    who = "other processes than the application write to data/ or logs/, and cannot be paused"
    return Failure(f"{who}: {shown(path)}: {what}")
