"""The last lines of a file, and what is appended to it, through rotations; of a file that others may write."""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from deployer.remote.failure import Failure
from deployer.remote.process import PAUSE, PIECE, OnOutput

LINE = 16_384
"""Bytes of an ordinary line at most: of a file with longer ones, fewer lines are read."""


class Tail:
    """A file that is read from one of its last lines on. `open_file` opens the one that has its name now."""

    def __init__(self, open_file: Callable[[], int], on_output: OnOutput) -> None:
        """Raises FileNotFoundError or Failure, as `open_file` does."""
        self._open, self._on_output = open_file, on_output
        self._handle = open_file()

    def close(self) -> None:
        os.close(self._handle)

    def print_end(self, lines: int) -> None:
        """What is there now, from that many lines before its end on; what is appended meanwhile is not waited for."""
        end = os.fstat(self._handle).st_size
        position = os.lseek(self._handle, _start(self._handle, end, lines), os.SEEK_SET)
        while position < end and (data := os.read(self._handle, min(PIECE, end - position))):
            position += len(data)
            self._on_output(data)

    def follow(self) -> None:
        """What is appended from here on, until `on_output`, which gets b"" now and then, raises an exception."""
        while True:
            data = os.read(self._handle, PIECE)
            self._on_output(data)
            if not data:
                time.sleep(PAUSE)
                self._reopen()

    def _reopen(self) -> None:
        """The file that has the name now, where it is another; from its beginning, where it was emptied."""
        with suppress(FileNotFoundError, Failure):
            latest, present = self._open(), os.fstat(self._handle)
            if os.path.samestat(os.fstat(latest), present):
                os.close(latest)
            else:
                os.close(self._handle)
                self._handle = latest
        if os.fstat(self._handle).st_size < os.lseek(self._handle, 0, os.SEEK_CUR):
            os.lseek(self._handle, 0, os.SEEK_SET)


def _start(handle: int, end: int, lines: int) -> int:
    """The offset of the line that is so many before the end."""
    first, position = max(0, end - lines * LINE), end
    while position > first:
        size = min(PIECE, position - first)
        position -= size
        block = os.pread(handle, size, position)
        if position + size == end:
            block = block.removesuffix(b"\n")
        found = block.count(b"\n")
        if found >= lines:
            return position + len(b"\n".join(block.split(b"\n")[:-lines])) + 1
        lines -= found
    return first
