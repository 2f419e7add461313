"""The HTTP client: what it sees of an answer, and how it tells the ways of getting none apart."""

import contextlib
import http.client
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.verify.answers import Answer, Request, ask_all, get
from deployer.verify.no_answer import NoAnswer, no_answer
from deployer.verify.target import Site

from .certificates import Pair, make
from .conftest import Deploy
from .good import API, BUNDLE, DOMAIN, NAMES, SCRIPT
from .serving import Told, running, server_context


def reason_kind(reply: object) -> str:
    assert isinstance(reply, NoAnswer)
    assert reply.reason
    return reply.kind


def test_doubled_headers_are_seen_twice(deploy: Deploy) -> None:
    """Each line of the head is one pair, those of one name together, whatever their case."""
    told = Told(200, (("X-One", "a"), ("x-one", "b")), b"body")
    reply = get(deploy(lambda asked: told).site, DOMAIN, "/")
    assert isinstance(reply, Answer)
    assert [value for _, value in reply.headers] == ["a", "b"]
    assert reply.values("X-ONE") == ("a", "b")
    assert reply.value("missing") == ""


def test_the_name_is_asked_at_the_address(deploy: Deploy, leaf: Pair) -> None:
    """SNI and Host are the name's, the connection goes to the address; the certificate comes along."""
    deployment = deploy()
    reply = get(deployment.site, API, "/health")
    assert isinstance(reply, Answer)
    assert deployment.running.asked[0].headers["Host"] == f"{API}:{deployment.site.https_port}"
    assert ssl.DER_cert_to_PEM_cert(reply.certificate).split() == leaf.pem.split()


def test_bodies_are_unpacked_and_bounded(deploy: Deploy) -> None:
    """A compressed body is given plain; never more of it than asked for."""
    site = deploy().site
    whole, part = get(site, DOMAIN, SCRIPT), get(site, DOMAIN, SCRIPT, bound=10)
    assert isinstance(whole, Answer)
    assert isinstance(part, Answer)
    assert whole.body == BUNDLE
    assert part.body == BUNDLE[:10]


def test_redirects_are_not_followed(deploy: Deploy) -> None:
    """A 301 is an answer like any other, over http without a certificate."""
    reply = get(deploy().site, DOMAIN, "/x", scheme="http")
    assert isinstance(reply, Answer)
    assert (reply.status, reply.certificate) == (301, b"")


def has_ipv6() -> bool:
    """Whether this machine's own IPv6 address can be listened at."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6: how an IPv6 literal is asked was not tested")
def test_ipv6_addresses_are_connected_to(tmp_path: Path, authority: Pair, leaf: Pair) -> None:
    """An IPv6 literal needs no brackets."""
    pem = leaf.write(tmp_path / "six.pem")
    newest = ssl.TLSVersion.TLSv1_3
    context = server_context(pem, NAMES, oldest=newest, newest=newest)
    with running(lambda asked: Told(204), context, "::1") as six:
        site = Site(DOMAIN, API, address="::1", https_port=six.https_port, trusted_pem=authority.pem)
        reply = get(site, DOMAIN, "/")
    assert isinstance(reply, Answer)
    assert reply.status == 204


def test_an_untrusted_certificate_is_no_answer(deploy: Deploy) -> None:
    """Self-signed, or of another name: no answer, unless asked to take any."""
    site = deploy(pair=make(DOMAIN, names=(DOMAIN,))).site
    assert reason_kind(get(site, DOMAIN, "/")) == "certificate"
    assert isinstance(get(site, DOMAIN, "/", verified=False), Answer)
    pinned = replace(site, trusted_pem=make("somebody else").pem)
    assert reason_kind(get(pinned, DOMAIN, "/")) == "certificate"


def test_the_name_in_the_certificate_is_checked(deploy: Deploy, authority: Pair) -> None:
    """A trusted chain for another name is no answer."""
    site = deploy(pair=make("x", names=("other.example.com",), by=authority)).site
    reply = get(site, DOMAIN, "/")
    assert reason_kind(reply) == "certificate"


def test_nonsense_in_trusted_pem_is_no_answer(deploy: Deploy) -> None:
    """Text that is no certificate is said, not raised."""
    site = replace(deploy().site, trusted_pem="nonsense")
    assert reason_kind(get(site, DOMAIN, "/")) == "certificate"


def test_refused_closed_and_rejected_are_told_apart(deploy: Deploy, closed_port: int) -> None:
    """A closed port, a connection that is closed without an answer, a name rejected in TLS."""
    site = deploy().site
    assert reason_kind(get(replace(site, https_port=closed_port), DOMAIN, "/")) == "refused"
    assert reason_kind(get(site, DOMAIN, "/", headers={"Host": "foreign.invalid"})) == "closed"
    assert reason_kind(get(site, "foreign.invalid", "/", scheme="http")) == "closed"
    assert reason_kind(get(site, "foreign.invalid", "/", verified=False)) == "tls"


def test_tls_where_there_is_none(deploy: Deploy) -> None:
    """https asked of an http port is no answer."""
    site = deploy().site
    assert isinstance(get(replace(site, https_port=site.http_port), DOMAIN, "/"), NoAnswer)


@pytest.mark.parametrize("name", ["a" * 70 + ".example.com", "sp ace.example.com", "new\nline.example.com", "ü..x"])
def test_impossible_names_are_no_answer(deploy: Deploy, name: str) -> None:
    """A name that IDNA, TLS or HTTP cannot carry raises nothing."""
    site = deploy(names=None).site
    for scheme in ("https", "http"):
        assert not isinstance(get(site, name, "/", scheme=scheme), Exception)


def test_impossible_paths_are_no_answer(deploy: Deploy) -> None:
    """A path with a line break is not sent."""
    deployment = deploy()
    assert isinstance(get(deployment.site, DOMAIN, "/x\r\nHost: y"), NoAnswer)
    assert deployment.running.asked == []


@contextlib.contextmanager
def talking(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A TCP server that says what it likes to its one client."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client, contextlib.suppress(OSError):
                talk(client, done)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            thread.join()


def say_nothing(client: socket.socket, done: threading.Event) -> None:
    done.wait(30)


def at(port: int) -> Site:
    return Site(DOMAIN, API, address="127.0.0.1", http_port=port, https_port=port)


def test_silence_is_bounded() -> None:
    """A server that accepts and says nothing is given up."""
    with talking(say_nothing) as port:
        assert reason_kind(get(at(port), DOMAIN, "/", scheme="http", limit=0.2)) == "timed out"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_silence_in_tls_is_bounded(scheme: str) -> None:
    """The same while shaking hands."""
    with talking(say_nothing) as port:
        reply = get(at(port), DOMAIN, "/", scheme=scheme, limit=0.2)  # type: ignore[arg-type]
    assert reason_kind(reply) == "timed out"


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("head", [b"", OK + b"\r\n", OK + b"Content-Length: 99999\r\n\r\n"])
def test_dripping_is_bounded(head: bytes) -> None:
    """A server that sends a byte now and then, in head or body, does not get more time than one that is silent."""

    def drip(client: socket.socket, done: threading.Event) -> None:
        client.sendall(head)
        while not done.wait(0.02):
            client.sendall(b"x")

    with talking(drip) as port:
        assert reason_kind(get(at(port), DOMAIN, "/", scheme="http", limit=0.3)) == "timed out"


def test_what_is_not_http_is_no_answer() -> None:
    """An SSH banner where a status line should be."""
    with talking(lambda client, done: client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as port:
        assert isinstance(get(at(port), DOMAIN, "/", scheme="http"), NoAnswer)


def test_a_body_that_ends_early_is_no_answer() -> None:
    """Half a body is not a body."""
    with talking(lambda client, done: client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as port:
        assert isinstance(get(at(port), DOMAIN, "/", scheme="http"), NoAnswer)


def test_ask_all_has_a_reply_for_every_key(deploy: Deploy) -> None:
    """Good and bad ones side by side."""
    requests = {"page": Request(DOMAIN, "/"), "none": Request("foreign.invalid", "/", scheme="http")}
    replies = ask_all(deploy().site, requests)
    assert isinstance(replies["page"], Answer)
    assert isinstance(replies["none"], NoAnswer)


def test_a_local_refusal_is_told_apart() -> None:
    """When OpenSSL here cannot ask, the server is not to blame."""
    error = ssl.SSLError(1, "no protocols available")
    error.reason = "NO_PROTOCOLS_AVAILABLE"
    assert no_answer(error).kind == "cannot ask"
    assert no_answer(OSError(113, "No route to host")).kind == "unreachable"
    assert no_answer(socket.gaierror(-2, "Name or service not known")).kind == "unreachable"
    assert no_answer(http.client.BadStatusLine("x")).kind == "garbled"


def test_the_package_costs_nothing_to_import() -> None:
    """Only the modules that look need urllib3, dnspython and cryptography."""
    code = "import sys, deployer.verify, deployer.verify.target, deployer.verify.outside\n"
    code += "print({'urllib3', 'dns', 'cryptography', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
