"""Whether the site is down for maintenance, and then what it has to answer instead of the wallet."""

from collections.abc import Iterator, Mapping

from deployer.site.maintenance import SAID
from deployer.verify import wallet
from deployer.verify.answers import Answer, Reply
from deployer.verify.checks import Check, judged, warned
from deployer.verify.target import Site

_END = "deployer maintenance off"


def is_on(reply: Reply) -> bool:
    """Our own words, with 503: an application that is broken says others."""
    return isinstance(reply, Answer) and reply.status == 503 and SAID.encode() in reply.body


def check(site: Site, replies: Mapping[str, Reply]) -> tuple[Check, ...]:
    """Judge the replies to the wallet's and the API's requests when the wallet's page says that it is on."""
    asked = {f"https://{site.domain}/": replies["index"], f"https://{site.api_domain}": replies["api missing"]}
    asked |= {f"https://{alias}/": replies[wallet.alias_key(alias)] for alias in site.aliases}
    faults = [fault for address, reply in asked.items() for fault in _faults(address, reply)]
    return (
        warned("maintenance is on", f"visitors are answered 503 {SAID!r}; the wallet itself is not looked at", _END),
        judged("maintenance: every name says when to come back", faults, "503 with Retry-After", _END),
    )


def _faults(address: str, reply: Reply) -> Iterator[str]:
    if not isinstance(reply, Answer):
        yield f"{address}: {reply.reason}"
    elif not is_on(reply):
        yield f"{address}: {reply.status}, not 503 {SAID!r}"
    elif len(reply.values("Retry-After")) != 1 or not reply.value("Retry-After").isdigit():
        yield f"{address}: Retry-After is {reply.value('Retry-After') or 'missing'}"
