"""A TCP connection within a time limit, with the options that make SSH quick and its loss noticed."""

import socket
import time

from deployer.transport.watch import LOST_AFTER


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
