"""A site on loopback: real sockets, real TLS, and whatever answers a test wants."""

import contextlib
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class OneOff:
    """One request as it arrived; `host` without its port."""

    scheme: str
    host: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Told:
    """One answer, its headers sent as they stand here."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Behaviour = Callable[[OneOff], Told | None]


@dataclass
class Running:
    """The ports of a site that runs, and what it was asked."""

    https_port: int
    http_port: int
    asked: list[OneOff] = field(default_factory=list)


def server_context(pem: Path, names: set[str] | None, *, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> Any:
    """A TLS server that refuses names not in `names` (and no name) as `ssl_reject_handshake` does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = oldest, newest
    context.set_ciphers("ALL:@SECLEVEL=0")

    def choose(_sock: object, name: str | None, _context: object) -> int | None:
        refused = names is not None and name not in names
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if refused else None

    context.sni_callback = choose
    return context


@contextlib.contextmanager
def running(behaviour: Behaviour, context: ssl.SSLContext, address: str = "127.0.0.1") -> Iterator[Running]:
    """Serve `behaviour` over http and https on two free ports until the block ends."""
    asked: list[OneOff] = []
    servers = [_Server(address, behaviour, asked, None), _Server(address, behaviour, asked, context)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield Running(servers[1].server_address[1], servers[0].server_address[1], asked)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined by server_close: nothing is left behind
    request_queue_size = 128

    def __init__(self, address: str, behaviour: Behaviour, asked: list[OneOff], context: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.behaviour, self.asked, self.context = behaviour, asked, context
        super().__init__((address, 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is None:
            return super().finish_request(request, client_address)
        with contextlib.suppress(OSError):  # a handshake that was refused, or a client that left
            request.settimeout(5)
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        return None


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        host = (self.headers["Host"] or "").rpartition(":")[0] or self.headers["Host"] or ""
        scheme = "https" if self.server.context else "http"
        asked = OneOff(scheme, host, self.path, dict(self.headers.items()))
        self.server.asked.append(asked)
        told = self.server.behaviour(asked)
        if told is None:
            return
        self.send_response_only(told.status)
        for name, value in told.headers:
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(told.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
