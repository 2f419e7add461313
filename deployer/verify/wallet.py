"""The wallet's page: served at the domain and at every deep link, never kept by a browser without asking."""

from collections.abc import Mapping

from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.checks import Check, failed, judged, passed
from deployer.verify.target import Site

DEEP = "/deep/link/of/the-wallet"
WORKERS = ("/service-worker.js", "/sw.js")  # Workbox' usual names

_SERVED = "deployer logs demo-wallet; the proxy hands the domain to the wallet's container"
_CACHE = "no-cache for the page and the service worker, immutable for hashed names only: deployer provision"


def requests(site: Site) -> dict[str, Request]:
    """The page, a deep link, the page under each alias, and the service workers there may be."""
    pages = {
        "index": Request(site.domain, "/"),
        "deep": Request(site.domain, DEEP),
        **{alias_key(alias): Request(alias, "/") for alias in site.aliases},
    }
    return pages | {path: Request(site.domain, path, bound=4 << 20) for path in WORKERS}


def alias_key(alias: str) -> str:
    return f"alias {alias}"


def check(site: Site, replies: Mapping[str, Reply]) -> tuple[Check, ...]:
    """Judge the replies to `requests`."""
    aliases = tuple(_alias(site, alias, replies[alias_key(alias)]) for alias in site.aliases)
    workers = {path: replies[path] for path in WORKERS}
    return (
        _page(f"wallet: https://{site.domain}/", replies["index"]),
        _page(f"wallet: deep link {DEEP}", replies["deep"]),
        *aliases,
        _not_kept(replies["index"]),
        _workers_not_kept(workers),
    )


def _page(title: str, reply: Reply) -> Check:
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _SERVED)
    good = reply.status == 200 and reply.content_type == "text/html" and reply.body
    evidence = f"{reply.status}, {len(reply.body)} bytes of {reply.content_type or 'no type'}"
    return passed(title, evidence) if good else failed(title, f"{evidence}, not 200 text/html", _SERVED)


def _alias(site: Site, alias: str, reply: Reply) -> Check:
    """An alias serves the wallet itself or sends the visitor to the domain."""
    title = f"wallet: https://{alias}/"
    to_domain = isinstance(reply, Answer) and reply.value("Location").startswith(f"https://{site.domain}/")
    if isinstance(reply, Answer) and reply.status in {301, 308} and to_domain:
        return passed(title, f"{reply.status} to https://{site.domain}/")
    return _page(title, reply)


def _not_kept(reply: Reply) -> Check:
    title = "wallet: page is asked for anew"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _SERVED)
    kept = reply.value("Cache-Control").lower()
    good = ("no-cache" in kept or "no-store" in kept) and "immutable" not in kept
    faults = [] if good else [f"Cache-Control is {kept!r}, without no-cache"]
    return judged(title, faults, f"Cache-Control: {kept}", _CACHE)


def _workers_not_kept(workers: Mapping[str, Reply]) -> Check:
    faults = [
        f"{path} is {reply.value('Cache-Control')}"
        for path, reply in workers.items()
        if isinstance(reply, Answer) and reply.status == 200 and "immutable" in reply.value("Cache-Control")
    ]
    return judged("wallet: service worker is asked for anew", faults, "none is immutable", _CACHE)
