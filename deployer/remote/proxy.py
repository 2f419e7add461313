"""The running proxy: what it serves, and how it is made to read its files again."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deployer.remote import output
from deployer.remote.docker import PROXY, running
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.waiting import await_true

CONFIGURATION = "/etc/nginx/deployer/nginx.conf"
RELOAD_SECONDS = 20.0
SERVED_SECONDS = 15.0
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 8.0
PORT = 443
LOG_LINES = 5
WORKER = "nginx: worker process"


def container(host: Host) -> str:
    """The id of the proxy's container; empty where none runs. One that restarts reads its files by itself."""
    return next(iter(running(host.docker, host.config.name, PROXY)), "")


def reload(host: Host) -> None:
    """Make the proxy read its files, and verify that it did. Raises Failure where it keeps the former ones.

    nginx keeps its old workers, without an error, where the configuration is invalid: new ones have to appear. It is
    reloaded by `nginx -s`: some versions of Docker mark a container that `docker kill` signals as stopped by hand.
    """
    found = container(host)
    if not found:
        return
    loaded = host.config.state / "proxy.loaded"
    started = loaded.with_name(f"{loaded.name}.new")
    started.touch()
    _in(host, found, "-t", "-q")
    former = _workers(host, found)
    _in(host, found, "-s", "reload")
    if not await_true(lambda: set(_workers(host, found)) - set(former), RELOAD_SECONDS):
        raise Failure(f"the proxy did not load its new configuration:\n{_log_tail(host)}")
    started.replace(loaded)


def serves(host: Host, certificate: Path) -> bool:
    """Whether the proxy serves this certificate (the first one of a PEM file)."""
    try:
        return _served(host) == ssl.PEM_cert_to_DER_cert(first_certificate(certificate.read_text()))
    except (OSError, ValueError):
        return False


def drain(host: Host, seconds: float) -> None:
    """Wait until no old worker has a request in flight. No output of Docker's proves nothing."""
    found = container(host)
    if found and not await_true(lambda: _is_drained(host, found), seconds):
        output.say(f"some requests are unfinished after {seconds:.0f} s; continuing without them")


def _is_drained(host: Host, found: str) -> bool:
    processes = host.docker("top", found, "-eo", "pid,args")
    return processes.succeeded and f"{WORKER} is shutting down" not in processes.text


def answers(host: Host) -> bool:
    """Whether a visitor gets an answer, whatever it is."""
    try:
        return answer(host, 5) == b"HTTP/"
    except OSError:
        return False


def answer(host: Host, size: int) -> bytes:
    """What a visitor of / gets, from its status line on, at most so many bytes. Raises OSError where nobody answers."""
    found, deadline = b"", time.monotonic() + ANSWER_SECONDS
    with _connected(host) as secured:
        name = host.config.certificate.names[0]
        secured.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        while len(found) < size and time.monotonic() < deadline and (data := secured.recv(size - len(found))):
            found += data
    return found


def await_served(host: Host, certificate: Path) -> bool:
    """Wait until the proxy serves it; true at once where no proxy runs."""
    return not container(host) or await_true(lambda: serves(host, certificate), SERVED_SECONDS)


def first_certificate(pem: str) -> str:
    """The first certificate of a chain. Raises ValueError where there is none."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return pem[pem.index(begin) : pem.index(end) + len(end)]


def _served(host: Host) -> bytes:
    with _connected(host) as secured:
        return secured.getpeercert(binary_form=True) or b""


@contextmanager
def _connected(host: Host) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to the proxy, on this host, under the site's name; whatever certificate it has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", PORT), timeout=CONNECT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host.config.certificate.names[0]) as secured,
    ):
        yield secured


def _in(host: Host, found: str, *words: str) -> None:
    result = host.docker("exec", found, "nginx", *words, "-c", CONFIGURATION)
    if not result.succeeded:
        raise Failure(f"nginx {' '.join(words)} failed:\n{result.last_lines}")


def _workers(host: Host, found: str) -> Sequence[str]:
    """The process ids of the workers that accept connections."""
    lines = (line.split(None, 1) for line in host.docker("top", found, "-eo", "pid,args").text.splitlines())
    return [words[0] for words in lines if len(words) > 1 and words[1].strip() == WORKER]


def _log_tail(host: Host) -> str:
    log = host.config.nginx / "logs" / "error.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-LOG_LINES:])
