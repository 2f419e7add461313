"""A disk that gets full, or read-only, at any of the files that a program writes, and stays so until it is mended."""

import errno
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.remote.failure import Failure, of_the_disk

FULL, NO_FILES, READ_ONLY = "full, yet a file can be made", "full, and none can be made", "read-only"
MANNERS = (FULL, NO_FILES, READ_ONLY)
"""File systems differ in whether a file that has no content can be made on a full one."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGING: Mapping[str, tuple[int, int]] = {
    "os.remove": (0, 1),
    "os.rmdir": (0, 1),
    "os.rename": (0, 2),
    "os.link": (0, 2),
    "os.chmod": (0, 2),
    "os.chown": (0, 3),
    "os.mkdir": (0, 2),
}
"""Events of what a read-only disk refuses: where among their arguments are the path, and the directory it is below."""


@dataclass
class Disk:
    """Of the file systems below `root`; `left` files are opened for writing before the trouble begins."""

    root: Path
    left: int
    manner: str
    is_full: bool = False

    def count(self, path: object, flags: int) -> None:
        """A file is to be opened."""
        if not flags & WRITING or not self._is_below(path):
            return
        if self.left == 0 and not self.is_full:
            self.is_full = True
            if self.manner == FULL:
                self._limit(0)
        self.left = max(0, self.left - 1)
        if self.is_full and self.manner != FULL:
            self._refuse(path)

    def refuse(self, event: str, path: object) -> None:
        """Something there is to be changed; what it is not, or is already, comes first in the kernel's answers."""
        possible = os.path.lexists(str(path)) is not (event == "os.mkdir")
        if self.is_full and self.manner == READ_ONLY and possible and self._is_below(path):
            self._refuse(path)

    def free(self) -> None:
        """Somebody mends it."""
        self._limit(resource.RLIM_INFINITY)
        _active.clear()

    def _is_below(self, path: object) -> bool:
        return str(path).startswith(str(self.root))

    def _refuse(self, path: object) -> None:
        number = errno.EROFS if self.manner == READ_ONLY else errno.ENOSPC
        raise OSError(number, os.strerror(number), str(path))

    @staticmethod
    def _limit(size: int) -> None:
        """No file gets larger: a write fails as it does on a full disk, in programs that are started as well."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


_active: list[Disk] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _active:
        return
    if event == "open" and isinstance(arguments[2], int):
        _active[0].count(arguments[0], arguments[2])
    elif event in CHANGING:
        path, directory = (arguments[position] for position in CHANGING[event])
        _active[0].refuse(event, _whole(path, directory))


def _whole(path: object, directory: object) -> object:
    """A path below a directory that is open, from the root."""
    if not isinstance(directory, int) or directory < 0 or not isinstance(path, str | bytes):
        return path
    return Path(f"/proc/self/fd/{directory}").readlink() / os.fsdecode(path)


sys.addaudithook(_audit)


@contextmanager
def full_after(root: Path, files: int, manner: str) -> Iterator[Disk]:
    disk = Disk(root, files, manner)
    _active.append(disk)
    try:
        yield disk
    finally:
        disk.free()


def failed_on(root: Path, files: int, act: Callable[[], None], manner: str) -> Failure | None:
    """How it failed on that disk, as the program shows it; None where it got by. The disk is mended afterwards."""
    with full_after(root, files, manner):
        try:
            act()
        except Failure as failure:
            return failure
        except OSError as error:
            if refused := of_the_disk(error):
                return refused
            raise
    return None
