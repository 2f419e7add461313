"""Everything that can be seen of a site from outside, in one go and within a limit."""

import datetime
from collections.abc import Callable, Mapping
from functools import partial

from deployer.verify import addresses as names
from deployer.verify import (
    api,
    assets,
    certificate,
    headers,
    maintenance,
    ports,
    protocols,
    redirects,
    unknown_hosts,
    wallet,
)
from deployer.verify.answers import Answer, Reply, ask_all
from deployer.verify.checks import Check, failed
from deployer.verify.headers import Seen
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site

Checks = tuple[Check, ...]
ONE_ANSWER = 6.0  # seconds for one round of requests; the pages take four rounds at most


def verify(site: Site, *, limit: float = 30.0) -> Checks:
    """All checks, in the order a reader expects; what is not done after `limit` seconds is a failed check.

    The health path is asked twice. Raises nothing the network can cause.
    """
    topics: dict[str, Callable[[], Checks]] = {
        "names": partial(names.check, site),
        "pages": partial(_pages, site),
        "protocols": partial(protocols.check, site),
        "unknown hosts": partial(unknown_hosts.check, site),
        "ports": partial(ports.check, site),
    }
    found = in_parallel(topics, limit)
    return tuple(check for topic in topics for check in found.get(topic, (_unfinished(topic, limit),)))


def _unfinished(topic: str, limit: float) -> Check:
    return failed(topic, f"not done within {limit:g} s", "the host is slow or unreachable: deployer status")


def _pages(site: Site) -> Checks:
    """Certificate first: where it is bad, the rest is looked at without trust, to tell all faults at once."""
    presented = certificate.look(site, ONE_ANSWER)
    found = certificate.check(site, presented, datetime.datetime.now(datetime.UTC))
    if presented.silent:
        return found
    verified = not any(check.verdict == "fail" for check in found)
    asked = wallet.requests(site) | api.requests(site) | redirects.requests(site)
    replies = ask_all(site, asked, limit=ONE_ANSWER, verified=verified)
    return (*found, *_judged(site, replies, verified))


def _judged(site: Site, replies: Mapping[str, Reply], verified: bool) -> Checks:
    index = replies["index"]
    workers = tuple(replies[path] for path in wallet.WORKERS)
    loaded: assets.Assets | None = None
    down = maintenance.is_on(index)
    if isinstance(index, Answer) and not down:
        loaded = assets.look(site, index, workers, limit=ONE_ANSWER, verified=verified)
    return (
        *(maintenance.check(site, replies) if down else wallet.check(site, replies)),
        *(assets.check(site, index, loaded) if isinstance(index, Answer) and loaded else ()),
        *api.check(site, replies),
        *redirects.check(site, replies),
        *headers.check(site, _bearers(site, replies, loaded)),
        *headers.policy(site, index),
    )


def _bearers(site: Site, replies: Mapping[str, Reply], loaded: assets.Assets | None) -> dict[str, Seen]:
    """One answer of every kind that has to bear the security headers."""
    seen = {
        "page": Seen(True, replies["index"]),
        "API": Seen(True, replies["health"]),
        "API 404": Seen(True, replies["api missing"]),
        "http redirect": Seen(False, replies[redirects.key(site.domain)]),
        "http redirect of the API": Seen(False, replies[redirects.key(site.api_domain)]),
    }
    for alias in site.aliases:
        seen[alias] = Seen(True, replies[wallet.alias_key(alias)])
    if loaded:
        seen["wallet 404"] = Seen(True, loaded.missing)
        seen |= {f"asset {path}": Seen(True, reply) for path, reply in list(loaded.loaded.items())[:1]}
    return seen
