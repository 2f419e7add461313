"""The interface of a connection, on which everything above relies; tests use a fake of it.

Each script is bash and runs as root. One call of `run` or `open` is one SSH channel, and so one round trip
(two where the reply must be awaited before input is sent; none of ours does that).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, Self


@dataclass(frozen=True)
class Reply:
    """The result of a script. A script that could not be started at all is an error, not a reply."""

    exit_code: int
    output: bytes
    error: bytes


@dataclass(frozen=True)
class Traffic:
    """What a connection has cost so far: channels opened, bytes of payload in both directions."""

    round_trips: int
    bytes_sent: int
    bytes_received: int


class Conversation(Protocol):
    """A script that keeps running and is given lines; it ends when its input is closed."""

    def send(self, line: str) -> None:
        """Give the script one line on its standard input. Raises ConnectionFailed."""

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes of its standard output, fewer only at its end. Raises ConnectionFailed on silence."""

    def read_line(self) -> bytes:
        """One line without its newline; empty at the end of the output (an empty line is b"\\n")."""

    def close(self) -> Reply:
        """Close its input, wait for its end (bounded), and return its exit code and what was not yet read."""


class Transport(Protocol):
    """One connection to one host."""

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        limit: float = 60.0,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Reply:
        """Run a script to its end. `limit` in seconds is for all of it.

        `on_output` is given standard output as it arrives. Raises ConnectionFailed when the connection
        breaks, goes silent or the limit is over.
        """

    def open(self, script: str) -> Conversation:
        """Start a script and converse with it line by line."""

    def again(self) -> Self:
        """A second, new connection to the same host with the same rules; the caller closes it."""

    def traffic(self) -> Traffic:
        """Counts over this connection since it was made."""

    def close(self) -> None:
        """End the connection; scripts that still run are left running."""
