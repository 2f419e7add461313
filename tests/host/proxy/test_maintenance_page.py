"""The maintenance page: who gets it and who does not, at once, without a reload, with every security header on it."""

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.inventory.model import Inventory
from testbed.shell import docker, wait_for
from tests.host.proxy.conftest import Serve
from tests.host.proxy.stage import ALIAS, API, DOMAIN, Proxy, inventory
from tests.host.proxy.test_answers import STRICT, bears_all
from tests.support.visitor import Seen

DOWN = {"detail": "Down for maintenance"}


@contextmanager
def switched_on(proxy: Proxy) -> Iterator[Path]:
    """As the command does it: a file appears in the mounted directory, and goes."""
    proxy.tree.replace("maintenance", "{}\n")
    switch = proxy.tree.nginx / "maintenance"
    try:
        yield switch
    finally:
        switch.unlink(missing_ok=True)


@pytest.fixture
def down(proxy: Proxy) -> Iterator[Proxy]:
    with switched_on(proxy):
        yield proxy


def is_down(seen: Seen) -> bool:
    return seen.status == 503 and b"Down for maintenance" in seen.body


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (DOMAIN, "/"),
        (ALIAS, "/some/route"),
        (DOMAIN, "/health"),
        (DOMAIN, "/sw.js"),
        (DOMAIN, "/static/main.0123456789abcdef0123.js"),
        (DOMAIN, "/static/main.0123456789abcdef0123.js.map"),
    ],
)
def test_people(down: Proxy, name: str, path: str) -> None:
    """A page, whatever was asked for, with the time to come back, which nobody keeps."""
    seen = down.visitor.ask(name, path)
    assert is_down(seen)
    assert (seen.all("Content-Type"), seen.all("Retry-After")) == (["text/html"], ["300"])
    assert seen.all("Cache-Control") == ["no-cache"]
    bears_all(seen, policy=inventory().content_security_policy)


@pytest.mark.parametrize("path", ["/", "/api/x", "/page.html", "/health/", "/healthz", "/Health", "/x/health", "/busy"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_programs(down: Proxy, path: str, method: str) -> None:
    """JSON, with the time to come back, for everything but exactly the health path."""
    seen = down.visitor.ask(API, path, method=method, body=b"{}")
    assert (seen.status, json.loads(seen.body)) == (503, DOWN)
    assert (seen.all("Content-Type"), seen.all("Retry-After")) == (["application/json"], ["300"])
    bears_all(seen, policy=STRICT)


@pytest.mark.parametrize("path", ["/health", "/health?full=1"])
def test_who_watches(down: Proxy, path: str) -> None:
    """The health path is answered by the application."""
    seen = down.visitor.ask(API, path)
    assert (seen.status, seen.all("Retry-After")) == (200, [])
    assert "count" in json.loads(seen.body)
    bears_all(seen, policy=STRICT)


@pytest.mark.parametrize("name", [DOMAIN, API, ALIAS])
def test_plain_http(down: Proxy, name: str) -> None:
    """The CA's challenge is answered; everybody else is sent to https as ever."""
    (down.tree.root / "acme/.well-known/acme-challenge/token").write_text("proof")
    seen = down.visitor.ask(name, "/.well-known/acme-challenge/token", https=False)
    assert (seen.status, seen.body) == (200, b"proof")
    assert down.visitor.ask(name, "/x", https=False).all("Location") == [f"https://{name}/x"]


VARIANTS: dict[str, Inventory] = {
    "cache and limit": inventory(
        nginx={"cache": True, "rate_limit": "1r/s", "rate_burst": 1}, backend={"health_path": "/api/v1/ready"}
    ),
    "self-signed": inventory(tls={"mode": "self-signed"}, backend={"health_path": "/api/v1/ready"}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_proxy(serve: Serve, variant: str) -> None:
    """Also where answers are cached and requests are limited: none comes from the cache, none is refused with 429."""
    proxy, hsts = serve(VARIANTS[variant]), variant != "self-signed"
    assert proxy.visitor.ask(API, "/api/maintained").status == 200
    with switched_on(proxy):
        assert proxy.visitor.ask(API, "/api/v1/ready").status == 200
        for path in ("/api/maintained", "/api/maintained", "/health", "/"):
            seen = proxy.visitor.ask(API, path)
            assert (seen.status, json.loads(seen.body), seen.all("Retry-After")) == (503, DOWN, ["300"])
            assert seen.all("X-Cache-Status") == []
            bears_all(seen, policy=STRICT, hsts=hsts)
        bears_all(proxy.visitor.ask(DOMAIN), policy=inventory().content_security_policy, hsts=hsts)


def test_no_reload(proxy: Proxy) -> None:
    """From one request to the next, in both directions, also on a connection that stays open; the workers stay."""
    workers = proxy.workers()
    with switched_on(proxy) as switch:
        requests = proxy.visitor.asks_again(API, "/")
        assert next(requests) == 503
        switch.unlink()
        assert next(requests) == 200
        proxy.tree.replace("maintenance", "")
        assert next(requests) == 503
        del requests
    assert proxy.visitor.ask(DOMAIN).status == 200
    assert proxy.workers() == workers
    told = (proxy.tree.nginx / "logs/error.log").read_text()
    assert "maintenance" not in told
    assert "uninitialized" not in told


def test_a_request_in_flight(proxy: Proxy) -> None:
    """A POST whose body was on its way is answered by the application; the next one is not."""
    connection = proxy.visitor._connection(API, https=True)
    connection.putrequest("POST", "/in-flight", skip_host=True)
    for name, value in (("Host", API), ("Content-Length", "4"), ("Expect", "100-continue")):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.sock.recv(1024).startswith(b"HTTP/1.1 100 "), "the proxy wants the body"
    with switched_on(proxy):
        assert proxy.visitor.ask(API, "/in-flight", method="POST", body=b"abcd").status == 503
        connection.send(b"abcd")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["count"]) == (200, 1)
    connection.close()


def test_a_restart(serve: Serve) -> None:
    """The page is still there when the proxy comes again."""
    proxy = serve(inventory())
    with switched_on(proxy):
        docker("restart", "--time", "1", proxy.container.id)
        seen = wait_for(lambda: _asked(proxy), "the proxy", seconds=10)
        assert is_down(seen)
    assert proxy.visitor.ask(API).status == 200


def _asked(proxy: Proxy) -> Seen | None:
    try:
        return proxy.visitor.ask(DOMAIN)
    except (OSError, ssl.SSLError, http.client.HTTPException):
        return None
