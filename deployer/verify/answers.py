"""A small HTTP client whose failures are values: one address, any name, every header."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from urllib3.connection import HTTPConnection, HTTPSConnection

from deployer.verify.authorities import trusting, unchecked
from deployer.verify.no_answer import NETWORK, NoAnswer, check_name, no_answer
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site

Scheme = Literal["https", "http"]


@dataclass(frozen=True)
class Answer:
    """`headers` as sent, doubled ones twice; `body` decompressed; `certificate` is DER, empty on http."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    certificate: bytes = b""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of one header, whatever its case."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def value(self, name: str) -> str:
        """All values of one header as one text; empty where it is missing."""
        return ", ".join(self.values(name))

    @property
    def content_type(self) -> str:
        return self.value("Content-Type").partition(";")[0].strip().lower()


Reply = Answer | NoAnswer


@dataclass(frozen=True)
class Request:
    """One GET. `bound` is how many bytes of the body are read at most."""

    host_name: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: Scheme = "https"
    bound: int = 1 << 20


def get(  # noqa: PLR0913
    site: Site,
    host_name: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    scheme: Scheme = "https",
    limit: float = 10.0,
    bound: int = 1 << 20,
    verified: bool = True,
) -> Reply:
    """What the site answers to one GET within `limit` seconds; redirects are not followed.

    `host_name` is the name in SNI, the name the certificate is checked for, and the Host header (which
    `headers` may replace). `verified=False` takes any certificate. Raises nothing the network can cause.
    """
    request = Request(host_name, path, headers or {}, scheme, bound)
    return ask(site, request, limit=limit, verified=verified)


def ask(site: Site, request: Request, *, limit: float = 10.0, verified: bool = True) -> Reply:
    """The same as `get`, for a request that was made before."""
    deadline = time.monotonic() + limit
    try:
        connection = _connection(site, request, limit, verified)
    except ssl.SSLError as error:
        return NoAnswer(f"trusted_pem holds no certificate: {error.reason}", "certificate")
    held: list[socket.socket] = []
    watch = threading.Timer(limit, _cut, (connection, held))
    watch.daemon = True
    watch.start()
    reply: Reply
    try:
        check_name(request.host_name)
        reply = _exchange(connection, request, _host_header(site, request), held)
    except NETWORK as error:
        reply = no_answer(error)
    finally:
        watch.cancel()
        connection.close()
    return reply if time.monotonic() < deadline else _late(limit)


def _late(limit: float) -> NoAnswer:
    return NoAnswer(f"no answer within {limit:g} s", "timed out")


def ask_all(
    site: Site, requests: Mapping[str, Request], *, limit: float = 10.0, verified: bool = True
) -> dict[str, Reply]:
    """All requests in parallel within `limit` seconds; every key has a reply."""
    tasks = {key: partial(ask, site, request, limit=limit, verified=verified) for key, request in requests.items()}
    replies = in_parallel(tasks, limit + 1.0)
    return {key: replies.get(key, _late(limit)) for key in requests}


def _connection(site: Site, request: Request, limit: float, verified: bool) -> HTTPConnection:
    address = site.address or request.host_name
    if request.scheme == "http":
        return HTTPConnection(address, site.http_port, timeout=limit)
    context = trusting(site) if verified else unchecked()
    # The context checks the name itself; urllib3's assert_hostname would switch that off in a shared context.
    return HTTPSConnection(
        address, site.https_port, timeout=limit, ssl_context=context, server_hostname=request.host_name
    )


def _host_header(site: Site, request: Request) -> str:
    port, usual = (site.http_port, 80) if request.scheme == "http" else (site.https_port, 443)
    return request.host_name if port == usual else f"{request.host_name}:{port}"


def _exchange(connection: HTTPConnection, request: Request, host: str, held: list[socket.socket]) -> Answer:
    headers = {"Host": host, "Accept-Encoding": "gzip", "User-Agent": "deployer-verify", **request.headers}
    connection.request("GET", request.path, headers=headers, preload_content=False, decode_content=True)
    held.append(connection.sock)  # which the connection releases where the body ends with it
    certificate = _certificate(held[0])
    response = connection.getresponse()
    try:
        body = response.read(request.bound, decode_content=True)
        return Answer(response.status, tuple(response.headers.items()), body, certificate)
    finally:
        response.close()


def _certificate(sock: socket.socket) -> bytes:
    return (sock.getpeercert(binary_form=True) or b"") if isinstance(sock, ssl.SSLSocket) else b""


def _cut(connection: HTTPConnection, held: list[socket.socket]) -> None:
    """End a connection whose time is over, also one that receives a byte from time to time."""
    with contextlib.suppress(OSError, AttributeError):
        socket.socket.shutdown(held[0] if held else connection.sock, socket.SHUT_RDWR)
