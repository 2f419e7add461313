"""Let's Encrypt's own test CA (pebble) with its name server, as processes of this test run."""

import fcntl
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from testbed.places import cache_directory
from testbed.shell import BedError, wait_for
from tests.support.own_authority import Issued, issue

LISTENERS = ("acme", "management", "dns", "names", "elsewhere")
BAD_NONCES = 5
"""Percent of good nonces that pebble refuses where it is told to: a client is to repeat (RFC 8555, 6.5).

certbot gives up at two in a row and the tool asks it again: how many certificates were issued is not certain then.
"""
FIRST_PORT, LAST_PORT = 20_000, 30_000
START_SECONDS = 20


class Authority:
    """A CA and the name server it asks, at this machine's address as hosts see it; made by `authority`."""

    def __init__(self, address: str, directory: Path, issued: Issued, ports: Sequence[int]) -> None:
        self.address, self._directory, self._issued = address, directory, issued
        self._ports = dict(zip(LISTENERS, ports, strict=True))
        self._pebble = ExitStack()
        self.bundle = directory / "bundle.pem"
        """What certbot and `verify` trust: the authority of the CA's API, and the root that it issues from."""

    @property
    def directory_url(self) -> str:
        return f"https://{self.at('acme')}/dir"

    @property
    def nameserver(self) -> str:
        return self.at("dns")

    @property
    def log(self) -> str:
        """Everything pebble did."""
        return (self._directory / "pebble.log").read_text()

    @property
    def issued(self) -> int:
        """How many certificates pebble has issued since it was started first."""
        return self.log.count("Issued certificate serial ")

    def at(self, listener: str) -> str:
        return f"{self.address}:{self._ports[listener]}"

    # -- names -----------------------------------------------------------------------------------------------------

    def point(self, name: str, address: str) -> None:
        """The name's one A record from now on; an empty address removes it."""
        self._tell("clear-a", {"host": f"{name}."})
        if address:
            self._tell("add-a", {"host": f"{name}.", "addresses": [address]})

    def point_ipv6(self, name: str, address: str) -> None:
        """The same for its AAAA record."""
        self._tell("clear-aaaa", {"host": f"{name}."})
        if address:
            self._tell("add-aaaa", {"host": f"{name}.", "addresses": [address]})

    def _tell(self, what: str, fields: Mapping[str, object]) -> None:
        body = json.dumps(fields).encode()
        url = f"http://{self.at('names')}/{what}"
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            assert answer.status == 200

    @contextmanager
    def names(self) -> Iterator[None]:
        """The name server, for as long as the context lasts."""
        off = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "", "-defaultIPv6", "")
        places = ("-dns01", self.at("dns"), "-management", self.at("names"))
        with _process(self._directory, "names", ["pebble-challtestsrv", *places, *off]):
            wait_for(lambda: self._takes_records() or None, f"{self.at('names')}", seconds=START_SECONDS)
            yield

    def _takes_records(self) -> bool:
        try:
            self.point("nobody.example.test", "")
        except OSError:
            return False
        return True

    # -- certificates ----------------------------------------------------------------------------------------------

    def start(self, bad_nonces: int = 0) -> None:
        """Start pebble, and write the bundle: it makes a root anew each time, and knows no account of before."""
        command = ["pebble", "-config", str(self._directory / "pebble.json"), "-dnsserver", self.nameserver]
        self._pebble.enter_context(_process(self._directory, "pebble", command, bad_nonces))
        roots = f"https://{self.at('management')}/roots/0"
        root = wait_for(lambda: self._try_get(roots) or None, f"pebble at {roots}", seconds=START_SECONDS)
        self.bundle.write_bytes(self._issued.root.read_bytes() + root)

    def stop(self) -> None:
        self._pebble.close()

    @contextmanager
    def away(self, bad_nonces: int = 0) -> Iterator[None]:
        """The CA is down; afterwards another one, with a root of its own, is in its place, and refuses such nonces."""
        self.stop()
        try:
            yield
        finally:
            self.start(bad_nonces)

    def configure(self) -> None:
        settings = {
            "listenAddress": self.at("acme"),
            "managementListenAddress": self.at("management"),
            "certificate": str(self._issued.certificate),
            "privateKey": str(self._issued.private_key),
            "httpPort": 80,
            "tlsPort": 443,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        (self._directory / "pebble.json").write_text(json.dumps({"pebble": settings}))

    @contextmanager
    def elsewhere(self, *, limited: bool) -> Iterator[str]:
        """Another directory URL of the same CA; `limited`: it answers every order with its rate limit.

        All other requests go to pebble itself, since each one's signature covers its URL.
        """
        directory = json.loads(self._get(self.directory_url))
        url = f"https://{self.at('elsewhere')}"
        if limited:
            directory["newOrder"] = f"{url}/order"
        place = (self.address, self._ports["elsewhere"])
        server = ThreadingHTTPServer(place, _limiting(json.dumps(directory).encode()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._issued.certificate, self._issued.private_key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{url}/dir"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)

    def _try_get(self, url: str) -> bytes:
        try:
            return self._get(url)
        except OSError:
            return b""

    def _get(self, url: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self._issued.root))
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return bytes(answer.read())


@contextmanager
def authority(address: str, directory: Path) -> Iterator[Authority]:
    """The CA and its name server, listening at this machine's address as hosts see it."""
    _install()
    with reserved(address, len(LISTENERS)) as ports:
        ready = Authority(address, directory, issue(directory, address), ports)
        ready.configure()
        with ready.names():
            ready.start()
            try:
                yield ready
            finally:
                ready.stop()


def _limiting(directory: bytes) -> type[BaseHTTPRequestHandler]:
    class Limiting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, "application/json", directory)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            problem = {
                "type": "urn:ietf:params:acme:error:rateLimited",
                "detail": "too many certificates (5) already issued for this exact set of identifiers",
                "status": 429,
            }
            self._answer(429, "application/problem+json", json.dumps(problem).encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Replay-Nonce", "bm9uY2U")
            if status == 429:
                self.send_header("Retry-After", "3600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Limiting


@contextmanager
def _process(directory: Path, name: str, command: list[str], bad_nonces: int = 0) -> Iterator[None]:
    settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": str(bad_nonces)}
    with (directory / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings})
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def reserved(address: str, count: int) -> Iterator[Sequence[int]]:
    """Ports for this process, below those that connections are given.

    A range is its holder's as long as it has the range's lock; one of which a stranger uses a port is passed by.
    """
    for first in range(FIRST_PORT, LAST_PORT, count):
        with (cache_directory() / f"ports-{first}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            ports = range(first, first + count)
            if all(_is_free(address, port) for port in ports):
                yield ports
                return
    raise BedError(f"no {count} free ports in a row from {FIRST_PORT} to {LAST_PORT} at {address}")


def _is_free(address: str, port: int) -> bool:
    """Over TCP and UDP: the name server takes both."""
    with ExitStack() as held:
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                held.enter_context(socket.socket(type=kind)).bind((address, port))
        except OSError:
            return False
    return True


def _install() -> None:
    """Debian's packages, where they are missing and one may."""
    if shutil.which("pebble") and shutil.which("pebble-challtestsrv"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("no pebble here and no right to install it: no certificate was obtained from a CA")
    command = "apt-get -qq update && apt-get -qq install -y --no-install-recommends pebble"
    subprocess.run(["sh", "-c", command], check=True, timeout=300, stdout=subprocess.DEVNULL)
