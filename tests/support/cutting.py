"""A line that can be cut: a TCP proxy on loopback that ends what runs through it, or goes silent.

with Cutting(host.address, host.port) as line:
    ...  # connect to 127.0.0.1:line.port
    line.reset()  # or line.silence()
"""

import selectors
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Self

CHUNK = 65536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST and throws away what was not sent."""
PAUSE = 0.05
"""Seconds until a wish of another thread is looked at."""


class Cutting:
    """Forwards every connection to one place; what is open at a cut ends, later connections go through.

    One thread owns all sockets: one that another thread still reads would not really be closed.
    """

    def __init__(self, address: str, port: int) -> None:
        self._place = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._other: dict[socket.socket, socket.socket] = {}
        self._silent: list[socket.socket] = []
        self._wishes = SimpleQueue[tuple[Callable[[], None], threading.Event]]()
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wish(self._end)
        self._thread.join()
        self._listener.close()

    def reset(self) -> None:
        """Both ends of every open connection get a reset."""
        self._wish(self._reset_all)

    def silence(self) -> None:
        """Nothing is forwarded any more, in either direction, and nobody is told."""
        self._wish(self._silence_all)

    def _wish(self, what: Callable[[], None]) -> None:
        done = threading.Event()
        self._wishes.put((what, done))
        assert done.wait(10)

    def _serve(self) -> None:
        while True:
            while not self._wishes.empty():
                what, done = self._wishes.get()
                what()
                done.set()
            if self._ended:
                return
            for key, _ in self._selector.select(PAUSE):
                source = key.fileobj
                assert isinstance(source, socket.socket)
                if source is self._listener:
                    self._accept()
                elif source in self._other:
                    self._forward(source)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._place, timeout=10)
        except OSError:
            _reset(near)
            return
        for end, other in ((near, far), (far, near)):
            end.settimeout(10)
            self._other[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _forward(self, source: socket.socket) -> None:
        other = self._other[source]
        try:
            data = source.recv(CHUNK)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (source, other):
                self._release(end)
                end.close()

    def _release(self, end: socket.socket) -> None:
        self._selector.unregister(end)
        del self._other[end]

    def _reset_all(self) -> None:
        for end in tuple(self._other):
            self._release(end)
            _reset(end)

    def _silence_all(self) -> None:
        for end in tuple(self._other):
            self._release(end)
            self._silent.append(end)

    def _end(self) -> None:
        self._reset_all()
        for end in self._silent:
            _reset(end)
        self._selector.close()
        self._ended = True


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.close()
