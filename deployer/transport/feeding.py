"""Sends a script its input while somebody else reads its output, so that neither side waits for the other."""

import threading
from collections.abc import Iterable, Iterator

from deployer.transport.process import PIECE, Meter, Process


class Feeder:
    """`error` is what went wrong in making the payload; a script that stops reading is no error here."""

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
            # A payload that was broken off has no proper end.
            if not self._stopped.is_set():
                self._process.end_input()
        except OSError as error:
            # Of the process: it reads no more, and its exit code will say why. Of the payload: a failure.
            self.error = None if isinstance(error, NoReader) else error
        except Exception as error:
            self.error = error

    def send(self, piece: bytes) -> None:
        """All of one piece. Raises NoReader when nobody reads any more."""
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
    """Nobody reads the script's input any more."""


def _chain(head: bytes, payload: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from payload
