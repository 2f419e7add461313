"""A disk that gets full at any of the files that a program opens for writing, and stays full until it is freed."""

import errno
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.remote.failure import Failure

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass
class Disk:
    """Of the file systems below `root`; `left` files are opened for writing before it is full.

    `opens` is whether a file can be made then, which has no content: that differs between file systems.
    """

    root: Path
    left: int
    opens: bool
    is_full: bool = False

    def count(self, path: object, flags: int) -> None:
        """A file is to be opened."""
        if not flags & WRITING or not str(path).startswith(str(self.root)):
            return
        if self.left == 0 and not self.is_full:
            self.is_full = True
            if self.opens:
                self._limit(0)
        self.left = max(0, self.left - 1)
        if self.is_full and not self.opens:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def free(self) -> None:
        """Somebody removes what filled it."""
        self._limit(resource.RLIM_INFINITY)
        _active.clear()

    @staticmethod
    def _limit(size: int) -> None:
        """No file gets larger: a write fails as it does on a full disk, in programs that are started as well."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


_active: list[Disk] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _active and isinstance(arguments[2], int):
        _active[0].count(arguments[0], arguments[2])


sys.addaudithook(_audit)


@contextmanager
def full_after(root: Path, files: int, *, opens: bool) -> Iterator[Disk]:
    disk = Disk(root, files, opens)
    _active.append(disk)
    try:
        yield disk
    finally:
        disk.free()


def failed_on(root: Path, files: int, act: Callable[[], None], *, opens: bool) -> Failure | None:
    """How it failed on the full disk; None where it got by. The disk is freed afterwards.

    Anything but a Failure is a fault: it would be shown as an internal error.
    """
    with full_after(root, files, opens=opens):
        try:
            act()
        except Failure as failure:
            return failure
    return None
