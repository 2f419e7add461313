"""Every name resolves to this host; an IPv6 address in DNS answers."""

import ipaddress
from functools import partial

from deployer.verify.answers import Request
from deployer.verify.dns import Addresses, resolve
from deployer.verify.findings import Finding, Findings, failed, passed, warned
from deployer.verify.parallel import in_parallel
from deployer.verify.ports import is_open
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "names"

_LIMIT = 5.0
_RECORDS = "set the A record (and AAAA, if any) at your DNS provider; site.nameservers selects other name servers"


def requests(site: Site) -> dict[str, Request]:
    """None: it asks name servers."""
    return {}


def check(visit: Visit) -> Findings:
    """One finding for each name, and one for the IPv6 addresses found."""
    site = visit.site
    found = resolve(site.names, site.nameservers, _LIMIT)
    each = tuple(_judge(site, name, addresses) for name, addresses in found.items())
    v6 = sorted({address for each in found.values() if isinstance(each, Addresses) for address in each.v6})
    return (*each, *_ipv6(site, v6))


def _judge(site: Site, name: str, found: Addresses | str) -> Finding:
    title = f"DNS: {name}"
    if isinstance(found, str):
        outcome = failed if site.mode == "letsencrypt" else warned
        return outcome(title, found, _RECORDS)
    seen = ", ".join([*found.v4, *found.v6])
    host = _literal(site.address)
    if host is None or host in {ipaddress.ip_address(each) for each in (*found.v4, *found.v6)}:
        return passed(title, seen)
    return warned(title, f"{seen}, but this site was checked at {host}", _RECORDS)


def _literal(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _ipv6(site: Site, addresses: list[str]) -> Findings:
    """Visitors and certificate authorities try IPv6 first: an address that does not answer is worse than none."""
    if not addresses:
        return ()
    tasks = {address: partial(is_open, address, site.https_port, 2.0) for address in addresses}
    answers = in_parallel(tasks, 3.0)
    dead = [address for address in addresses if not answers.get(address)]
    if not dead:
        return (passed("IPv6 answers", ", ".join(addresses)),)
    evidence = f"no answer at {', '.join(dead)} (or no IPv6 from here)"
    return (warned("IPv6 answers", evidence, "serve the site over IPv6, or remove the AAAA record"),)
