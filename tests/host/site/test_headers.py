"""Every answer carries the security headers exactly once, and nothing that a client claims about itself is believed."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from testbed.bed import Bed
from testbed.origin import Repository
from tests.support.own_authority import issue
from tests.support.tool import Deployment, booted, deployment
from tests.support.visitor import Seen, Visitor

pytestmark = pytest.mark.in_turn

DOMAIN = "wallet.example.test"
API = f"api.{DOMAIN}"
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


@pytest.fixture(scope="module")
def limited(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A host with a certificate of the tests' own authority (so that HSTS is sent) and a tight rate limit."""
    directory = tmp_path_factory.mktemp("limited")
    issue(directory, DOMAIN, API)
    tls = 'mode = "provided"\ncertificate = "chain.pem"\nprivate_key = "key.pem"\nacme_ca = "root.pem"'
    nginx = 'rate_limit = "10r/s"\nrate_burst = 10'
    with booted(bed, "limited", from_snapshot=provisioned_snapshot) as host:
        site = deployment(directory, host, bed, repository, tls=tls, nginx=nginx)
        site.ok("provision", "--no-verify")
        yield site


@pytest.fixture
def visitor(limited: Deployment) -> Visitor:
    return Visitor(limited.host.address, limited.inventory / "root.pem")


def bears_all(seen: Seen, *, policy: str, hsts: bool = True) -> None:
    """Each header is there once, with its value; HSTS on https answers only."""
    for name, value in EXPECTED.items():
        assert seen.all(name) == [value], (name, seen)
    assert len(seen.all("Content-Security-Policy")) == 1
    assert policy in seen.all("Content-Security-Policy")[0]
    assert seen.all("Strict-Transport-Security") == (["max-age=31536000; includeSubDomains"] if hsts else [])
    assert seen.all("X-XSS-Protection") == []
    assert seen.all("Server") == ["nginx"]


def test_headers_on_pages_and_assets(visitor: Visitor) -> None:
    """200 of the page, of a route, of a hashed asset; 404 of a missing one: all headers once, caching by hash."""
    page = visitor.ask(DOMAIN)
    assert page.status == 200
    bears_all(page, policy=f"connect-src 'self' https://{API}")
    assert page.all("Cache-Control") == ["no-cache"]
    assert visitor.ask(DOMAIN, "/some/route").body == page.body
    found = re.search(rb"app\.[0-9a-f]+\.js", page.body)
    assert found, page.body
    script = f"/{found[0].decode()}"
    asset = visitor.ask(DOMAIN, script)
    assert asset.status == 200
    bears_all(asset, policy="default-src")
    assert asset.all("Cache-Control") == ["public, max-age=31536000, immutable"]
    for path in ("/missing.js", f"{script}.map"):
        missing = visitor.ask(DOMAIN, path)
        assert missing.status == 404
        bears_all(missing, policy="default-src")
        assert missing.all("Cache-Control") == ["no-cache"]


def test_headers_on_the_api(visitor: Visitor) -> None:
    """The application sets six security headers itself; of each, one arrives, and it is the proxy's."""
    for path, status in (("/health", 200), ("/nothing", 404), ("/api/fail", 500)):
        seen = visitor.ask(API, path)
        assert seen.status == status
        bears_all(seen, policy="default-src 'none'")


def test_headers_on_redirects(visitor: Visitor) -> None:
    """http answers 301 to the same name and path, without HSTS (RFC 6797, 7.2)."""
    for name in (DOMAIN, API):
        seen = visitor.ask(name, "/a?b=c", https=False)
        assert (seen.status, seen.all("Location")) == (301, [f"https://{name}/a?b=c"])
        bears_all(seen, policy="default-src 'none'", hsts=False)


def test_headers_on_too_many_requests(visitor: Visitor) -> None:
    """Beyond rate and burst the proxy answers 429, as JSON; a made-up X-Forwarded-For changes nothing."""
    answers = [visitor.ask(API, "/api/echo-address", headers={"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(60)]
    refused = [seen for seen in answers if seen.status == 429]
    assert len(refused) >= 10
    bears_all(refused[0], policy="default-src 'none'")
    assert json.loads(refused[0].body)["detail"]
    assert refused[0].all("Retry-After") == ["1"]


def test_headers_while_nothing_serves(limited: Deployment, visitor: Visitor) -> None:
    """With backend and wallet gone the proxy answers 502 itself, with everything on it."""
    limited.host.exec("docker rm -f biometric-did-backend-api-1 biometric-did-demo-wallet-1")
    try:
        for name, policy in ((API, "default-src 'none'"), (DOMAIN, "default-src 'self'")):
            seen = until(lambda name=name: visitor.ask(name, "/api/echo-address"), 502)  # type: ignore[misc]
            bears_all(seen, policy=policy)
            assert seen.all("Retry-After") == ["5"]
    finally:
        limited.ok("provision", "--no-verify")


def until(ask: Callable[[], Seen], status: int) -> Seen:
    """Ask again while the rate limit refuses, a bounded number of times."""
    for _ in range(500):
        seen = ask()
        if seen.status == status:
            return seen
    raise AssertionError(f"never {status}, last: {seen}")


def test_a_client_is_not_believed(limited: Deployment, visitor: Visitor) -> None:
    """Neither an invented address nor an invented scheme arrives; the login limit counts the real address."""
    forged = {
        "X-Forwarded-For": "198.51.100.7",
        "X-Real-IP": "198.51.100.7",
        "Forwarded": "for=198.51.100.7",
        "X-Forwarded-Proto": "http",
    }
    limited.ok("provision", "--no-verify")
    seen = until(lambda: visitor.ask(API, "/api/echo-address", headers=forged), 200)
    told = json.loads(seen.body)
    assert "198.51.100.7" not in str(told)
    assert told["scheme"] == "https"
    codes = [until_not_limited(visitor, {"X-Forwarded-For": f"198.51.100.{number}"}) for number in range(8)]
    assert codes[5:] == [429, 429, 429], codes


def until_not_limited(visitor: Visitor, headers: dict[str, str]) -> int:
    """A login; the proxy's own 429 (JSON with `Too many requests`) does not count, the application's does."""
    for _ in range(500):
        seen = visitor.ask(
            API, "/api/login", method="POST", body=b"{}", headers={**headers, "Content-Type": "application/json"}
        )
        if seen.status != 429 or b"Too many requests" not in seen.body:
            return seen.status
    raise AssertionError("always refused by the proxy")
