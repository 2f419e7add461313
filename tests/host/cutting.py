"""A connection that can be cut: a TCP proxy on loopback that ends what runs through it, or goes silent.

with Cutting(host.address, host.port) as line:
    ...  # connect to 127.0.0.1:line.port
    line.reset()  # or line.silence()
"""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 65536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST and throws away what was not sent."""


class Cutting:
    """Forwards every connection to one place; what is open at a cut ends, later connections go through."""

    def __init__(self, address: str, port: int) -> None:
        self._place = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[tuple[socket.socket, socket.socket, threading.Event]] = []
        self._silent: list[socket.socket] = []
        self._changing = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()
        for end in self._silent:
            _reset(end)

    def reset(self) -> None:
        """Both ends of every open connection get a reset."""
        for near, far, cut in self._taken():
            cut.set()
            _reset(near)
            _reset(far)

    def silence(self) -> None:
        """Nothing is forwarded any more, in either direction, and nobody is told."""
        for near, far, cut in self._taken():
            cut.set()
            self._silent += [near, far]

    def _taken(self) -> list[tuple[socket.socket, socket.socket, threading.Event]]:
        with self._changing:
            taken, self._open = self._open, []
        return taken

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed: the end
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(self._place, timeout=10)
                except OSError:
                    _reset(near)
                    continue
                far.settimeout(None)
                cut = threading.Event()
                with self._changing:
                    self._open.append((near, far, cut))
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_forward, args=(source, target, cut), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket, cut: threading.Event) -> None:
    with suppress(OSError):
        while (data := source.recv(CHUNK)) and not cut.is_set():
            target.sendall(data)
        if not cut.is_set():
            target.shutdown(socket.SHUT_WR)


def _reset(end: socket.socket) -> None:
    """Shut down first would send FIN; `close` alone leaves a thread that reads holding the socket open."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.close()
