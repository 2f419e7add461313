"""Every answer bears each security header once, whoever made it; strangers' names get no answer at all."""

import http.client
import json
import socket
import ssl

import pytest

from tests.host.proxy.conftest import Serve
from tests.host.proxy.stage import ALIAS, API, DOMAIN, Proxy, inventory
from tests.support.visitor import Seen

HSTS = "max-age=31536000; includeSubDomains"
STRICT = "default-src 'none'; frame-ancestors 'none'"


def bears_all(seen: Seen, *, policy: str, hsts: bool = True) -> None:
    """Ours, each once, whatever the application says."""
    expected = {
        "X-Content-Type-Options": ["nosniff"],
        "X-Frame-Options": ["DENY"],
        "Referrer-Policy": ["strict-origin-when-cross-origin"],
        "Content-Security-Policy": [policy],
        "Strict-Transport-Security": [HSTS] if hsts else [],
        "X-XSS-Protection": [],
        "X-Powered-By": [],
        "Server": ["nginx"],
    }
    assert {name: seen.all(name) for name in expected} == expected, seen


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/missing", 404), ("/limited", 429), ("/broken", 500)])
def test_what_the_api_answers(proxy: Proxy, path: str, status: int) -> None:
    """The application's own headers and statuses pass, except for those that are ours."""
    seen = proxy.visitor.ask(API, path)
    assert seen.status == status
    bears_all(seen, policy=STRICT)
    assert seen.all("Retry-After") == []


def test_the_application_says_when_to_come_back(proxy: Proxy) -> None:
    """Its Retry-After arrives, once."""
    seen = proxy.visitor.ask(API, "/busy")
    assert (seen.status, seen.all("Retry-After")) == (503, ["30"])
    assert json.loads(seen.body) == {"own": "/busy"}


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        (DOMAIN, "/", 200),
        (ALIAS, "/some/route", 200),
        (DOMAIN, "/static/main.0123456789abcdef0123.js", 200),
        (DOMAIN, "/static/gone.js", 404),
        (DOMAIN, "/static/main.0123456789abcdef0123.js.map", 404),
        (DOMAIN, "/static", 301),
    ],
)
def test_what_the_wallet_answers(proxy: Proxy, name: str, path: str, status: int) -> None:
    seen = proxy.visitor.ask(name, path)
    assert seen.status == status
    bears_all(seen, policy=inventory().content_security_policy)


@pytest.mark.parametrize("name", [DOMAIN, API, ALIAS])
def test_plain_http(proxy: Proxy, name: str) -> None:
    """301 to the same name and URI, and no HSTS (RFC 6797, 7.2)."""
    seen = proxy.visitor.ask(name, "/a%20b?c=d&e", https=False)
    assert (seen.status, seen.all("Location")) == (301, [f"https://{name}/a%20b?c=d&e"])
    bears_all(seen, policy=STRICT, hsts=False)


def test_no_hsts_with_a_certificate_of_our_own(serve: Serve) -> None:
    """A browser that has seen HSTS lets nobody past an untrusted certificate."""
    proxy = serve(inventory(tls={"mode": "self-signed"}))
    for name in (DOMAIN, API):
        assert proxy.visitor.ask(name).all("Strict-Transport-Security") == []


@pytest.mark.parametrize("name", [DOMAIN, API, ALIAS])
def test_the_challenge(proxy: Proxy, name: str) -> None:
    """Served over plain http for every name; what is not there is 404, not a redirect."""
    challenge = proxy.tree.root / "acme/.well-known/acme-challenge/token"
    challenge.write_text("proof")
    assert proxy.visitor.ask(name, "/.well-known/acme-challenge/token", https=False).body == b"proof"
    missing = proxy.visitor.ask(name, "/.well-known/acme-challenge/other", https=False)
    assert missing.status == 404
    bears_all(missing, policy=STRICT, hsts=False)


def test_too_many_requests(serve: Serve) -> None:
    """Beyond rate and burst the proxy says 429 in JSON; the wallet is not limited."""
    visitor = serve(inventory(nginx={"rate_limit": "1r/s", "rate_burst": 3})).visitor
    seen = [visitor.ask(API, "/", method=method, body=b"") for method in ("GET", "POST") * 6]
    refused = [answer for answer in seen if answer.status == 429]
    assert len(refused) >= 6
    for answer in refused:
        bears_all(answer, policy=STRICT)
        assert json.loads(answer.body) == {"detail": "Too many requests"}
        assert answer.all("Content-Type") == ["application/json"]
        assert answer.all("Retry-After") == ["1"]
    assert {visitor.ask(DOMAIN).status for _ in range(10)} == {200}


def test_while_nothing_serves(serve: Serve) -> None:
    """502 of the proxy's own: JSON for the API, a page for the wallet; when to come back stands on both."""
    away = serve(inventory(backend={"port": 1}, wallet={"port": 1}))
    for method in ("GET", "POST"):
        api = away.visitor.ask(API, "/page.html", method=method, body=b"")
        assert (api.status, json.loads(api.body)) == (502, {"detail": "The service is being started"})
        assert (api.all("Retry-After"), api.all("Content-Type")) == (["5"], ["application/json"])
        bears_all(api, policy=STRICT)
    page = away.visitor.ask(DOMAIN, "/static/main.0123456789abcdef0123.js")
    assert (page.status, page.all("Content-Type")) == (502, ["text/html"])
    assert b"Back in a moment" in page.body
    assert (page.all("Retry-After"), page.all("Cache-Control")) == (["5"], ["no-cache"])
    bears_all(page, policy=inventory().content_security_policy)


def test_a_body_that_is_too_large(proxy: Proxy) -> None:
    seen = proxy.visitor.ask(API, "/", method="POST", headers={"Content-Length": str(11 << 20)})
    assert (seen.status, json.loads(seen.body)) == (413, {"detail": "The request is too large"})
    bears_all(seen, policy=STRICT)


@pytest.mark.parametrize("https", [True, False])
@pytest.mark.parametrize("stranger", ["evil.example.net", "203.0.113.10", f"x.{DOMAIN}"])
def test_a_strangers_name_gets_no_answer(proxy: Proxy, https: bool, stranger: str) -> None:
    """A foreign Host behind a name of ours, or on port 80: the connection is closed without a byte."""
    with pytest.raises(http.client.RemoteDisconnected):
        proxy.visitor.ask(DOMAIN, headers={"Host": stranger}, https=https)


def test_no_name_at_all(proxy: Proxy) -> None:
    """Over http nothing comes; behind a handshake with a name of ours it is a bad request, with all headers."""
    with pytest.raises(http.client.RemoteDisconnected):
        proxy.visitor.ask(DOMAIN, headers={"Host": ""}, https=False)
    seen = proxy.visitor.ask(API, headers={"Host": ""})
    assert seen.status == 400
    bears_all(seen, policy=STRICT)


@pytest.mark.parametrize("stranger", ["evil.example.net", None])
def test_a_strangers_handshake_is_refused(proxy: Proxy, stranger: str | None) -> None:
    """No certificate is shown to who asks for another name, or for none."""
    context = ssl.create_default_context(cafile=str(proxy.visitor.trusted))
    context.check_hostname = False
    with (
        socket.create_connection((proxy.visitor.address, 443), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        context.wrap_socket(plain, server_hostname=stranger)


def test_plain_http_on_the_https_port(proxy: Proxy) -> None:
    """Not even an error page tells what stands there."""
    with socket.create_connection((proxy.visitor.address, 443), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1024) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls(proxy: Proxy, version: ssl.TLSVersion) -> None:
    """1.2 and 1.3, HTTP/2 offered, forward secrecy."""
    context = ssl.create_default_context(cafile=str(proxy.visitor.trusted))
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((proxy.visitor.address, 443), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=API) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
        cipher = secure.cipher()
        assert cipher and cipher[0].startswith(("ECDHE-", "TLS_"))


def test_old_tls_is_refused(proxy: Proxy) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(proxy.visitor.trusted)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((proxy.visitor.address, 443), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname=API)
