"""A started script as the rest of this package sees it, over SSH or on this machine, and the feeder of its input.

The feeder sends while another thread reads the output, so that neither waits for the other.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Protocol

from deployer.transport.protocol import Traffic

POLL = 0.05
"""Seconds that one look at a process may wait."""
PIECE = 32_768
"""Bytes that every process takes at once, without waiting: the packet of SSH, half the pipe of Linux."""


class Process(Protocol):
    """Standard output and input may be used from two threads at the same time."""

    def read(self) -> bytes | None:
        """Standard output that has arrived: b"" at its end, None when nothing came within POLL."""

    def read_error(self) -> bytes:
        """Standard error that has arrived, without waiting."""

    def write(self, data: bytes) -> int:
        """How many bytes were taken within POLL, perhaps none. Raises OSError when the script no longer reads."""

    def end_input(self) -> None:
        """Close standard input."""

    def has_ended(self) -> bool:
        """Whether the exit code is known; a child that outlives the script may still hold its output open."""

    def wait(self, seconds: float) -> int | None:
        """The exit code, None when it is still running. Raises ConnectionFailed when the connection broke."""

    def abandon(self) -> None:
        """Close all ends; a script that still runs is left running."""


class Meter:
    """Counts what a connection costs; may be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._round_trips = self._sent = self._received = 0

    def count(self, *, round_trips: int = 0, sent: int = 0, received: int = 0) -> None:
        with self._lock:
            self._round_trips += round_trips
            self._sent += sent
            self._received += received

    def traffic(self) -> Traffic:
        with self._lock:
            return Traffic(self._round_trips, self._sent, self._received)


class Feeder:
    """`error` is a failure to make the payload; a script that stops reading is no error here."""

    def __init__(self, process: Process, meter: Meter) -> None:
        self.error: BaseException | None = None
        self._process = process
        self._meter = meter
        self._stopped = threading.Event()

    def start(self, head: bytes, payload: bytes | Iterable[bytes]) -> None:
        """Returns at once. What fits into one packet is sent from here, the rest from a thread."""
        if isinstance(payload, bytes) and len(head) + len(payload) <= PIECE:
            self._feed([head + payload])
            return
        pieces = [head, payload] if isinstance(payload, bytes) else _chain(head, payload)
        threading.Thread(target=self._feed, args=(pieces,), name="deployer input", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _feed(self, pieces: Iterable[bytes]) -> None:
        try:
            for piece in pieces:
                self.send(piece)
            # An interrupted payload must not look complete.
            if not self._stopped.is_set():
                self._process.end_input()
        except OSError as error:
            # The process no longer reads: its exit code explains why. Any other OSError is the payload's failure.
            self.error = None if isinstance(error, NoReader) else error
        except Exception as error:
            self.error = error

    def send(self, piece: bytes) -> None:
        """All of one piece. Raises NoReader when the script no longer reads."""
        view = memoryview(piece)
        while view and not self._stopped.is_set():
            taken = self._write(bytes(view[:PIECE]))
            self._meter.count(sent=taken)
            view = view[taken:]

    def _write(self, data: bytes) -> int:
        try:
            return self._process.write(data)
        except OSError as error:
            raise NoReader(*error.args) from error


class NoReader(OSError):
    """The script no longer reads its input."""


def _chain(head: bytes, payload: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from payload
