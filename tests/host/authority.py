"""Let's Encrypt's own test CA (pebble) with its name server, as processes of this test run."""

import json
import os
import shutil
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.host.bed.shell import wait_for
from tests.host.own_authority import Issued, issue

PORTS = {"acme": 14000, "management": 15000, "dns": 18053, "names": 18055, "limited": 14443}
BAD_NONCES = "5"
"""Percent of good nonces that pebble refuses: a client has to be ready to repeat (RFC 8555, 6.5)."""
START_SECONDS = 20


@dataclass(frozen=True)
class Authority:
    """Where the CA is, and the bundle that certbot and `verify` trust: its API's authority and its root."""

    address: str
    issued: Issued
    bundle: Path

    @property
    def directory_url(self) -> str:
        return f"https://{self.address}:{PORTS['acme']}/dir"

    @property
    def nameserver(self) -> str:
        return f"{self.address}:{PORTS['dns']}"

    def listens(self) -> bool:
        """Whether the name server takes records."""
        try:
            self.point("nobody.example.test", "")
        except OSError:
            return False
        return True

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
        url = f"http://{self.address}:{PORTS['names']}/{what}"
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            assert answer.status == 200

    @contextmanager
    def limited(self) -> Iterator[str]:
        """A directory URL whose CA answers every order with its rate limit, and all else as the real one."""
        directory = json.loads(_get(self.directory_url, self.issued.root))
        url = f"https://{self.address}:{PORTS['limited']}"
        directory["newOrder"] = f"{url}/order"
        server = ThreadingHTTPServer((self.address, PORTS["limited"]), _limiting(json.dumps(directory).encode()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issued.certificate, self.issued.private_key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{url}/dir"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)


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
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Limiting


@contextmanager
def authority(address: str, directory: Path) -> Iterator[Authority]:
    """The CA and its name server, listening at this machine's address as hosts see it."""
    _install()
    issued = issue(directory, address)
    with ExitStack() as running:
        running.enter_context(_process(directory, "names", _names(address)))
        running.enter_context(_process(directory, "pebble", _pebble(address, directory, issued)))
        roots = f"https://{address}:{PORTS['management']}/roots/0"
        wait_for(lambda: _try_get(roots, issued.root) or None, f"pebble at {roots}", seconds=START_SECONDS)
        bundle = directory / "bundle.pem"
        bundle.write_bytes(issued.root.read_bytes() + _get(roots, issued.root))
        ready = Authority(address, issued, bundle)
        wait_for(lambda: ready.listens() or None, f"the name server's management at {address}", seconds=START_SECONDS)
        yield ready


def _names(address: str) -> list[str]:
    off = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "", "-defaultIPv6", "")
    places = ("-dns01", f"{address}:{PORTS['dns']}", "-management", f"{address}:{PORTS['names']}")
    return ["pebble-challtestsrv", *places, *off]


def _pebble(address: str, directory: Path, issued: Issued) -> list[str]:
    settings = {
        "listenAddress": f"{address}:{PORTS['acme']}",
        "managementListenAddress": f"{address}:{PORTS['management']}",
        "certificate": str(issued.certificate),
        "privateKey": str(issued.private_key),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (directory / "pebble.json").write_text(json.dumps({"pebble": settings}))
    return ["pebble", "-config", str(directory / "pebble.json"), "-dnsserver", f"{address}:{PORTS['dns']}"]


@contextmanager
def _process(directory: Path, name: str, command: list[str]) -> Iterator[None]:
    settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": BAD_NONCES}
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings})
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _install() -> None:
    """Debian's packages, where they are missing and one may."""
    if shutil.which("pebble") and shutil.which("pebble-challtestsrv"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("no pebble here and no right to install it: no certificate was obtained from a CA")
    command = "apt-get -qq update && apt-get -qq install -y --no-install-recommends pebble"
    subprocess.run(["sh", "-c", command], check=True, timeout=300, stdout=subprocess.DEVNULL)


def _try_get(url: str, root: Path) -> bytes:
    try:
        return _get(url, root)
    except OSError:
        return b""


def _get(url: str, root: Path) -> bytes:
    context = ssl.create_default_context(cafile=str(root))
    with urllib.request.urlopen(url, timeout=5, context=context) as answer:
        return bytes(answer.read())
