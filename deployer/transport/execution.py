"""One started script: run to its end, or given lines and read line by line."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from deployer.errors import ConnectionFailed
from deployer.transport.process import Feeder, Meter, NoReader, Process
from deployer.transport.protocol import Reply
from deployer.transport.wrapping import START, Beginning

GRACE = 2.0
"""Seconds that output may still come after the exit code: a child left behind can hold it open forever."""
KILLED = -1
"""The exit code of a script that a signal ended: SSH names the signal, paramiko does not pass it on."""
READ_LIMIT = 60.0
"""Seconds that an answer may take."""
CLOSE_LIMIT = 30.0
"""Seconds that a script may take to end once its input is closed."""


class NotStarted(Exception):
    """The script did not begin; nothing was changed. Holds what was printed instead, on both outputs."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(output)
        self.exit_code = exit_code
        self.output = output


class TimeIsUp(Exception):
    """The limit passed before the script ended."""


class Execution:
    """Used by one thread at a time."""

    def __init__(self, process: Process, meter: Meter) -> None:
        self.process = process
        self.feeder = Feeder(process, meter)
        self._meter = meter
        self._beginning = Beginning()
        self._error = b""

    def run(
        self,
        head: bytes,
        payload: bytes | Iterable[bytes],
        limit: float,
        on_output: Callable[[bytes], None] | None,
    ) -> Reply:
        """To the end. Raises NotStarted, TimeIsUp, ConnectionFailed, and whatever the payload raises."""
        end = time.monotonic() + limit
        try:
            self.feeder.start(head, payload)
            output = self.gather(end, on_output)
            return self.finish(end, output)
        finally:
            self.feeder.stop()
            self.process.abandon()

    def gather(self, end: float, on_output: Callable[[bytes], None] | None = None) -> bytes:
        """All output up to its end."""
        gathered = bytearray()
        while piece := self.next_piece(end):
            gathered += piece
            if on_output:
                on_output(piece)
        return bytes(gathered)

    def next_piece(self, end: float) -> bytes:
        """The script's next output, b"" at its end. Raises TimeIsUp at the moment `end`."""
        quiet_since = time.monotonic()
        while (data := self._look()) != b"":
            if piece := self._beginning.pass_on(data or b""):
                return piece
            now = time.monotonic()
            if data:
                quiet_since = now
            if now >= end:
                raise TimeIsUp
            if self.process.has_ended() and now - quiet_since > GRACE:
                break
        return b""

    def begin(self, head: bytes, end: float) -> bytes:
        """Wait until the script has begun; returns what it printed already. Raises NotStarted when it ended before."""
        # A shell that refused to start it has ended and reads nothing; its exit code and output explain why.
        with suppress(NoReader):
            self.feeder.send(head)
        while (data := self._look()) != b"":
            first = self._beginning.pass_on(data or b"")
            if self._beginning.found:
                return first
            if time.monotonic() >= end:
                raise TimeIsUp
        self.finish(end, b"")
        return b""

    def finish(self, end: float, output: bytes) -> Reply:
        """The reply of a script whose output has ended."""
        exit_code = self.process.wait(max(GRACE, end - time.monotonic()))
        if exit_code is None:
            raise TimeIsUp
        self._drain()
        if not self._beginning.found:
            raise NotStarted(exit_code, _text(self._beginning.noise, self._error))
        return Reply(exit_code, output, self._own_error())

    def _look(self) -> bytes | None:
        data = self.process.read()
        self._drain()
        if self.feeder.error:
            raise self.feeder.error
        self._meter.count(received=len(data or b""))
        return data

    def _drain(self) -> None:
        data = self.process.read_error()
        self._error += data
        self._meter.count(received=len(data))

    def _own_error(self) -> bytes:
        """Standard error without what sudo and the login shell printed before the script began."""
        before, marker, after = self._error.partition(f"{START}\n".encode())
        return after if marker else before


def _text(*parts: bytes) -> str:
    return "\n".join(text for part in parts if (text := part.decode(errors="replace").strip()))


class LineSession:
    """Implements `protocol.Conversation`. `failure` makes the error for a message."""

    def __init__(self, execution: Execution, received: bytes, failure: Callable[[str], ConnectionFailed]) -> None:
        self._execution = execution
        self._received = received
        self._failure = failure

    def send(self, line: str) -> None:
        try:
            self._execution.feeder.send(f"{line}\n".encode())
        except NoReader:
            raise self._failure("the script has ended and takes no more input") from None

    def read(self, size: int) -> bytes:
        while len(self._received) < size and self._receive():
            pass
        return self._take(size)

    def read_line(self) -> bytes:
        """Keeps the newline of an empty line only, which distinguishes it from the end."""
        while b"\n" not in self._received and self._receive():
            pass
        line = self._take(self._received.find(b"\n") + 1 or len(self._received))
        return line if line == b"\n" else line.removesuffix(b"\n")

    def close(self) -> Reply:
        process = self._execution.process
        end = time.monotonic() + CLOSE_LIMIT
        try:
            process.end_input()
            rest = self._execution.gather(end)
            return self._execution.finish(end, self._take(len(self._received)) + rest)
        except TimeIsUp:
            raise self._failure(
                f"the script did not end within {CLOSE_LIMIT:.0f} s after its input was closed"
            ) from None
        finally:
            process.abandon()

    def _receive(self) -> bool:
        try:
            piece = self._execution.next_piece(time.monotonic() + READ_LIMIT)
        except TimeIsUp:
            raise self._failure(f"the script gave no answer for {READ_LIMIT:.0f} s") from None
        self._received += piece
        return bool(piece)

    def _take(self, size: int) -> bytes:
        taken, self._received = self._received[:size], self._received[size:]
        return taken
