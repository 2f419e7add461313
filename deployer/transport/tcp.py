"""A TCP connection: dialled within a time limit, and watched, so that a silent peer is noticed.

paramiko sends keepalives but does not count the missing answers
(https://github.com/paramiko/paramiko/issues/2463), and a link that is cut silently never reports an error to
a reader. So a reader that has received nothing for a while asks for an answer, and gives up when none comes. It
runs in paramiko's own reading thread, which passes here ten times a second: no further thread is needed.
"""

import errno
import socket
import time
from collections.abc import Callable
from typing import Protocol

REQUEST_AFTER = 5.0
"""Seconds without a byte after which a reply is requested from the peer."""
LOST_AFTER = 20.0
"""Seconds without a byte after which the peer counts as lost, although a reply was requested."""


def dial(host: str, port: int, limit: float) -> socket.socket:
    """Connect to the first address that answers, `limit` seconds for all of them together. Raises OSError."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    end = time.monotonic() + limit
    failure: OSError = TimeoutError()
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        share = max(0.1, (end - time.monotonic()) / (len(addresses) - position))
        try:
            return _connect(socket.socket(family, kind, protocol), address, share)
        except OSError as error:
            failure = error
    raise failure


def _connect(tcp: socket.socket, address: object, limit: float) -> socket.socket:
    try:
        tcp.settimeout(limit)
        _tune(tcp)
        tcp.connect(address)  # type: ignore[arg-type]  # getaddrinfo's own answer, IPv4 or IPv6
    except BaseException:
        tcp.close()
        raise
    return tcp


def _tune(tcp: socket.socket) -> None:
    """Nagle's algorithm costs 45 ms for each command; TCP_USER_TIMEOUT (tcp(7)) ends an unanswered write."""
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(LOST_AFTER * 1000))


class PeerSilent(ConnectionError):
    """Carries errno and text: paramiko formats both of any socket error."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNABORTED, f"the peer has been silent for {LOST_AFTER:.0f} seconds")


class Wire(Protocol):
    """What paramiko uses of a socket; a channel through a gateway has it too."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def close(self) -> None: ...
    def settimeout(self, seconds: float | None, /) -> None: ...


class WatchedSocket:
    """Passes everything on; raises PeerSilent once `request_reply`, which makes the peer answer, is set."""

    def __init__(self, wire: Wire) -> None:
        self.request_reply: Callable[[], None] | None = None
        self._wire = wire
        self._closed = False  # paramiko's Transport.stop_thread reads it, as if this were a socket
        self._received = time.monotonic()
        self._requested: float | None = None
        self._stuck: float | None = None

    def recv(self, size: int) -> bytes:
        try:
            data = self._wire.recv(size)
        except TimeoutError as nothing:
            self._check_silence(nothing)
            raise
        self._received, self._requested = time.monotonic(), None
        return data

    def send(self, data: bytes) -> int:
        try:
            sent = self._wire.send(data)
        except TimeoutError as full:
            self._stuck = self._stuck or time.monotonic()
            if full.errno == errno.ETIMEDOUT or time.monotonic() - self._stuck > LOST_AFTER:
                raise PeerSilent from None
            raise
        self._stuck = None
        return sent

    def close(self) -> None:
        self._closed = True
        self._wire.close()

    def settimeout(self, seconds: float | None) -> None:
        self._wire.settimeout(seconds)

    def getpeername(self) -> object:
        return self._wire.getpeername() if isinstance(self._wire, socket.socket) else ("", 0)

    def _check_silence(self, nothing: TimeoutError) -> None:
        """A read that ended without a byte; TCP_USER_TIMEOUT has an errno, the end of waiting has none."""
        now = time.monotonic()
        if nothing.errno == errno.ETIMEDOUT:
            raise PeerSilent from None
        if self.request_reply is None or now - self._received < REQUEST_AFTER:
            return
        if self._requested is None:
            self._requested = now
            self.request_reply()
        elif now - self._requested >= LOST_AFTER - REQUEST_AFTER:
            raise PeerSilent from None
