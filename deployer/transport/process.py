"""A started script as the rest of this package sees it, whether it runs over SSH or on this machine."""

import threading
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
        """How many bytes were taken within POLL, perhaps none. Raises OSError when nobody reads any more."""

    def end_input(self) -> None:
        """Close standard input."""

    def has_ended(self) -> bool:
        """Whether the exit code is known; a child that outlives the script may still hold its output open."""

    def wait(self, seconds: float) -> int | None:
        """The exit code, None when it is still running. Raises ConnectionFailed when the connection broke."""

    def abandon(self) -> None:
        """Let go of it; a script that still runs is left to itself."""


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
