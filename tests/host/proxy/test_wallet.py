"""The wallet through the proxy and its own nginx: types, caching by hash, routes, and what is not there."""

import re

import pytest

from tests.host.proxy.conftest import SITE
from tests.host.proxy.stage import ALIAS, DOMAIN, Proxy

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "kept", "content_type"),
    [
        ("/", "no-cache", "text/html"),
        ("/index.html", "no-cache", "text/html"),
        ("/sw.js", "no-cache", "(text|application)/javascript"),
        ("/env.js", "no-cache", "(text|application)/javascript"),
        ("/module.mjs", "no-cache", "text/javascript"),
        ("/manifest.webmanifest", "no-cache", r"application/manifest\+json"),
        ("/assets/my-carousel.js", "no-cache", "(text|application)/javascript"),
        ("/assets/index-BqX1z_9k.js", FOR_EVER, "(text|application)/javascript"),
        ("/static/main.0123456789abcdef0123.js", FOR_EVER, "(text|application)/javascript"),
    ],
)
def test_files(proxy: Proxy, path: str, kept: str, content_type: str) -> None:
    """Only what has a hash in its name is kept for ever; each file is of its type (nosniff)."""
    seen = proxy.visitor.ask(DOMAIN, path)
    assert seen.status == 200
    assert seen.body.decode() == SITE[path.removeprefix("/") or "index.html"]
    assert seen.all("Cache-Control") == [kept]
    assert re.fullmatch(content_type, seen.all("Content-Type")[0])
    again = proxy.visitor.ask(DOMAIN, path, headers={"If-None-Match": seen.all("ETag")[0]})
    assert (again.status, again.all("Cache-Control")) == (304, [kept])


@pytest.mark.parametrize("path", ["/settings", "/a/b?c=d", "/user/some-name", "/.well-known/route"])
def test_routes(proxy: Proxy, path: str) -> None:
    """What the single-page application handles itself is its page, under each of its names."""
    for name in (DOMAIN, ALIAS):
        seen = proxy.visitor.ask(name, path)
        assert (seen.status, seen.body.decode(), seen.all("Cache-Control")) == (200, SITE["index.html"], ["no-cache"])


@pytest.mark.parametrize(
    "path",
    [
        "/missing.js",
        "/static/main.ffffffffffffff000000.js",
        "/missing.webmanifest",
        "/missing.mjs",
        "/user/logo.png",
        "/static/main.0123456789abcdef0123.js.map",
        "/static/main.0123456789abcdef0123.js.MAP",
        "/.env",
        "/.git/config",
    ],
)
def test_what_is_not_there(proxy: Proxy, path: str) -> None:
    """404, not the page with 200, and nobody remembers it; source maps and dot files count as not there."""
    seen = proxy.visitor.ask(DOMAIN, path)
    assert (seen.status, seen.all("Cache-Control")) == (404, ["no-cache"])


def test_a_directory_redirects_without_inner_names(proxy: Proxy) -> None:
    """Neither the container's port nor its scheme shows in Location."""
    assert proxy.visitor.ask(DOMAIN, "/static").all("Location") == ["/static/"]


def test_text_comes_compressed(proxy: Proxy) -> None:
    seen = proxy.visitor.ask(DOMAIN, "/static/main.0123456789abcdef0123.js", headers={"Accept-Encoding": "gzip"})
    assert seen.all("Content-Encoding") == ["gzip"]
    assert seen.all("Vary") == ["Accept-Encoding"]
