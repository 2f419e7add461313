"""A script that is spoken with, line by line."""

import time
from collections.abc import Callable

from deployer.errors import ConnectionFailed
from deployer.transport.execution import Execution, TimeIsUp
from deployer.transport.feeding import NoReader
from deployer.transport.protocol import Reply

READ_LIMIT = 60.0
"""Seconds that an answer may take."""
CLOSE_LIMIT = 30.0
"""Seconds that a script may take to end once its input is closed."""


class LineSession:
    """Implements `protocol.Conversation`. `failure` makes the error for a message."""

    def __init__(self, execution: Execution, heard: bytes, failure: Callable[[str], ConnectionFailed]) -> None:
        self._execution = execution
        self._heard = heard
        self._failure = failure

    def send(self, line: str) -> None:
        try:
            self._execution.feeder.send(f"{line}\n".encode())
        except NoReader:
            raise self._failure("the script has ended and listens no more") from None

    def read(self, size: int) -> bytes:
        while len(self._heard) < size and self._hear():
            pass
        return self._take(size)

    def read_line(self) -> bytes:
        """Keeps the newline of an empty line only, which tells it from the end."""
        while b"\n" not in self._heard and self._hear():
            pass
        line = self._take(self._heard.find(b"\n") + 1 or len(self._heard))
        return line if line == b"\n" else line.removesuffix(b"\n")

    def close(self) -> Reply:
        process = self._execution.process
        end = time.monotonic() + CLOSE_LIMIT
        try:
            process.end_input()
            rest = self._execution.gather(end)
            return self._execution.finish(end, self._take(len(self._heard)) + rest)
        except TimeIsUp:
            raise self._failure(f"the script did not end within {CLOSE_LIMIT:.0f} s of being told to") from None
        finally:
            process.abandon()

    def _hear(self) -> bool:
        try:
            piece = self._execution.next_piece(time.monotonic() + READ_LIMIT)
        except TimeIsUp:
            raise self._failure(f"the script gave no answer for {READ_LIMIT:.0f} s") from None
        self._heard += piece
        return bool(piece)

    def _take(self, size: int) -> bytes:
        taken, self._heard = self._heard[:size], self._heard[size:]
        return taken
