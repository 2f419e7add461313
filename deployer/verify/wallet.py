"""The wallet's page: served at the domain and at every deep link, never cached without revalidation."""

from collections.abc import Mapping

from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.findings import Finding, Findings, failed, judged, passed
from deployer.verify.target import Site
from deployer.verify.visit import SERVICE_WORKERS, Visit

NAME = "wallet"
DEEP = "/deep/link/of/the-wallet"

_SERVED = "run deployer logs demo-wallet, then deployer logs nginx"
_CACHE = "run deployer provision: the page and the service worker are sent with no-cache"


def requests(site: Site) -> dict[str, Request]:
    """The page, a deep link, the page under each alias, and the service workers there may be."""
    pages = {
        "index": Request(site.domain, "/"),
        "deep": Request(site.domain, DEEP),
        **{alias_key(alias): Request(alias, "/") for alias in site.aliases},
    }
    return pages | {path: Request(site.domain, path, bound=4 << 20) for path in SERVICE_WORKERS}


def alias_key(alias: str) -> str:
    return f"alias {alias}"


def check(visit: Visit) -> Findings:
    """The page under each name, and what browsers may cache; nothing during maintenance."""
    if visit.in_maintenance:
        return ()
    site, replies = visit.site, visit.replies
    aliases = tuple(_alias(site, alias, replies[alias_key(alias)]) for alias in site.aliases)
    workers = {path: replies[path] for path in SERVICE_WORKERS}
    return (
        _page(f"wallet: https://{site.domain}/", replies["index"]),
        _page(f"wallet: deep link {DEEP}", replies["deep"]),
        *aliases,
        _page_not_cached(replies["index"]),
        _workers_not_cached(workers),
    )


def _page(title: str, reply: Reply) -> Finding:
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _SERVED)
    good = reply.status == 200 and reply.content_type == "text/html" and reply.body
    evidence = f"{reply.status}, {len(reply.body)} bytes of {reply.content_type or 'no type'}"
    return passed(title, evidence) if good else failed(title, f"{evidence}, not 200 text/html", _SERVED)


def _alias(site: Site, alias: str, reply: Reply) -> Finding:
    """An alias serves the wallet itself or sends the visitor to the domain."""
    title = f"wallet: https://{alias}/"
    to_domain = isinstance(reply, Answer) and reply.value("Location").startswith(f"https://{site.domain}/")
    if isinstance(reply, Answer) and reply.status in {301, 308} and to_domain:
        return passed(title, f"{reply.status} to https://{site.domain}/")
    return _page(title, reply)


def _page_not_cached(reply: Reply) -> Finding:
    title = "wallet: page is revalidated"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _SERVED)
    cached = reply.value("Cache-Control").lower()
    good = ("no-cache" in cached or "no-store" in cached) and "immutable" not in cached
    faults = [] if good else [f"Cache-Control is {cached!r}, without no-cache"]
    return judged(title, faults, f"Cache-Control: {cached}", _CACHE)


def _workers_not_cached(workers: Mapping[str, Reply]) -> Finding:
    faults = [
        f"{path} is {reply.value('Cache-Control')}"
        for path, reply in workers.items()
        if isinstance(reply, Answer) and reply.status == 200 and "immutable" in reply.value("Cache-Control")
    ]
    return judged("wallet: service worker is revalidated", faults, "none is immutable", _CACHE)
