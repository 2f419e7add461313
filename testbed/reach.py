"""Which TCP ports of a host accept a connection from outside it: what a firewall is for, seen as an
attacker sees it.
"""

import errno
import resource
import selectors
import socket
import time
from collections.abc import Iterable, Iterator

ALL_PORTS = range(1, 65536)
AT_ONCE = 4000
PATIENCE = 0.5
"""Seconds for an answer: hosts are on a bridge of this machine, where one takes under a millisecond."""


def open_ports(address: str, ports: Iterable[int] = ALL_PORTS) -> frozenset[int]:
    """The ports at which somebody accepts; at most 10 seconds for all of them, where a firewall drops what
    it refuses.
    """
    pending = list(ports)
    at_once = _descriptors()
    found: set[int] = set()
    for first in range(0, len(pending), at_once):
        found |= set(_accepting(address, pending[first : first + at_once]))
    return frozenset(found)


def is_open(address: str, port: int) -> bool:
    """Whether one port accepts."""
    return port in open_ports(address, (port,))


def _accepting(address: str, ports: list[int]) -> Iterator[int]:
    with selectors.DefaultSelector() as waiting:
        try:
            for port in ports:
                _begin(waiting, address, port)
            yield from _collect(waiting)
        finally:
            for key in list(waiting.get_map().values()):
                _close(key.fileobj)


def _begin(waiting: selectors.BaseSelector, address: str, port: int) -> None:
    connection = socket.socket()
    connection.setblocking(False)
    if connection.connect_ex((address, port)) in {0, errno.EINPROGRESS}:
        waiting.register(connection, selectors.EVENT_WRITE, port)
    else:
        connection.close()


def _collect(waiting: selectors.BaseSelector) -> Iterator[int]:
    deadline = time.monotonic() + PATIENCE
    while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            connection = key.fileobj
            waiting.unregister(connection)
            assert isinstance(connection, socket.socket)
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                yield int(key.data)
            connection.close()


def _close(connection: object) -> None:
    assert isinstance(connection, socket.socket)
    connection.close()


def _descriptors() -> int:
    """As many connections at once as this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(50, min(AT_ONCE, soft - 200))
