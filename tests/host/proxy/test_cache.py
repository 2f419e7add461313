"""nginx.cache = true: GET and HEAD under /api/, and nothing that belongs to one visitor."""

import json
from collections.abc import Mapping

import pytest

from tests.host.proxy.conftest import Serve
from tests.host.proxy.stage import API, Proxy, inventory
from tests.support.visitor import Seen


@pytest.fixture(scope="module")
def cached(serve: Serve) -> Proxy:
    return serve(inventory(nginx={"rate_limit": "off", "cache": True}))


def ask(proxy: Proxy, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Seen:
    seen = proxy.visitor.ask(API, path, headers=headers or {}, method=method, body=b"" if method == "POST" else None)
    assert len(seen.all("X-Cache-Status")) <= 1
    return seen


def count(seen: Seen) -> int:
    return int(json.loads(seen.body)["count"])


def test_an_answer_is_kept(cached: Proxy) -> None:
    """The second time the application is not asked; HEAD is answered from the same."""
    first, second = ask(cached, "/api/kept"), ask(cached, "/api/kept")
    assert (first.all("X-Cache-Status"), second.all("X-Cache-Status")) == (["MISS"], ["HIT"])
    assert count(first) == count(second) == 1
    assert ask(cached, "/api/kept", method="HEAD").all("X-Cache-Status") == ["HIT"]
    assert second.all("Content-Security-Policy") == ["default-src 'none'; frame-ancestors 'none'"]


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-API-Key"])
def test_what_belongs_to_one_visitor_is_not_kept(cached: Proxy, name: str) -> None:
    """Neither is such an answer kept, nor is a kept one given to who shows credentials."""
    path = f"/api/mine-{name}"
    assert [count(ask(cached, path, {name: "a"})) for _ in range(2)] == [1, 2]
    assert count(ask(cached, path)) == 3
    assert count(ask(cached, path)) == 3
    assert count(ask(cached, path, {name: "b"})) == 4


def test_what_sets_a_cookie_is_not_kept(cached: Proxy) -> None:
    assert [count(ask(cached, "/api/cookie")) for _ in range(2)] == [1, 2]


def test_other_origins_have_their_own_answers(cached: Proxy) -> None:
    """An answer without Access-Control-Allow-Origin must not reach the wallet's script from the cache."""
    assert count(ask(cached, "/api/origin")) == 1
    assert count(ask(cached, "/api/origin", {"Origin": "https://a.example.test"})) == 2
    assert count(ask(cached, "/api/origin", {"Origin": "https://a.example.test"})) == 2


def test_a_post_is_not_kept(cached: Proxy) -> None:
    assert [count(ask(cached, "/api/post", method="POST")) for _ in range(2)] == [1, 2]


def test_outside_of_the_api_nothing_is_kept(cached: Proxy) -> None:
    seen = [ask(cached, "/elsewhere") for _ in range(2)]
    assert [count(answer) for answer in seen] == [1, 2]
    assert seen[1].all("X-Cache-Status") == []


def test_off_by_default(proxy: Proxy) -> None:
    assert [count(ask(proxy, "/api/off")) for _ in range(2)] == [1, 2]
