"""During maintenance every name answers 503 with Retry-After."""

from collections.abc import Iterator

from deployer.remote.maintenance import SAID
from deployer.verify import api, wallet
from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.findings import Findings, judged, warned
from deployer.verify.target import Site
from deployer.verify.visit import Visit, shows_maintenance

NAME = "maintenance"

_END = "run deployer maintenance off"


def requests(site: Site) -> dict[str, Request]:
    """Those of the wallet and of the API."""
    return wallet.requests(site) | api.requests(site)


def check(visit: Visit) -> Findings:
    """A warning that it is on, and whether every name says when to come back; nothing where it is off."""
    if not visit.in_maintenance:
        return ()
    site, replies = visit.site, visit.replies
    asked = {f"https://{site.domain}/": replies["index"], f"https://{site.api_domain}": replies["api missing"]}
    asked |= {f"https://{alias}/": replies[wallet.alias_key(alias)] for alias in site.aliases}
    faults = [fault for address, reply in asked.items() for fault in _faults(address, reply)]
    return (
        warned("maintenance is on", f"visitors get 503 {SAID!r}; the wallet itself is not checked", _END),
        judged("maintenance: every name says when to come back", faults, "503 with Retry-After", _END),
    )


def _faults(address: str, reply: Reply) -> Iterator[str]:
    if not isinstance(reply, Answer):
        yield f"{address}: {reply.reason}"
    elif not shows_maintenance(reply):
        yield f"{address}: {reply.status}, not 503 {SAID!r}"
    elif len(reply.values("Retry-After")) != 1 or not reply.value("Retry-After").isdigit():
        yield f"{address}: Retry-After is {reply.value('Retry-After') or 'missing'}"
