"""Every name leads visitors to this host, over IPv6 too where DNS says so."""

import ipaddress
from functools import partial

from deployer.verify.checks import Check, failed, passed, warned
from deployer.verify.dns import Addresses, resolve
from deployer.verify.parallel import in_parallel
from deployer.verify.ports import is_open
from deployer.verify.target import Site

_RECORDS = "set the A record (and AAAA, if any) at the DNS provider; site.nameservers names other servers to ask"


def check(site: Site, limit: float = 5.0) -> tuple[Check, ...]:
    """One check for each name, and one for the IPv6 addresses found."""
    found = resolve(site.names, site.nameservers, limit)
    each = tuple(_judge(site, name, addresses) for name, addresses in found.items())
    v6 = sorted({address for each in found.values() if isinstance(each, Addresses) for address in each.v6})
    return (*each, *_ipv6(site, v6))


def _judge(site: Site, name: str, found: Addresses | str) -> Check:
    title = f"DNS: {name}"
    if isinstance(found, str):
        outcome = failed if site.mode == "letsencrypt" else warned
        return outcome(title, found, _RECORDS)
    seen = ", ".join([*found.v4, *found.v6])
    host = _literal(site.address)
    if host is None or host in {ipaddress.ip_address(each) for each in (*found.v4, *found.v6)}:
        return passed(title, seen)
    return warned(title, f"{seen}, not {host}, where this site was looked at", _RECORDS)


def _literal(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _ipv6(site: Site, addresses: list[str]) -> tuple[Check, ...]:
    """Visitors and certificate authorities try IPv6 first: a dead address is worse than none."""
    if not addresses:
        return ()
    tasks = {address: partial(is_open, address, site.https_port, 2.0) for address in addresses}
    answers = in_parallel(tasks, 3.0)
    dead = [address for address in addresses if not answers.get(address)]
    if not dead:
        return (passed("IPv6 answers", ", ".join(addresses)),)
    evidence = f"no answer at {', '.join(dead)} (or no IPv6 from here)"
    return (warned("IPv6 answers", evidence, "serve it, or take the AAAA record away"),)
