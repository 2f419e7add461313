"""Whether the names of the site resolve to its host: visitors and Let's Encrypt find it by them."""

import ipaddress
from collections.abc import Iterator

from deployer.engine.changes import Note
from deployer.engine.facts import Facts, Probes, Resolve, Unknown
from deployer.inventory.model import Inventory


def ask_names(host: Inventory) -> Probes:
    """The addresses of each name, and of the host itself, as the name servers report them."""
    return {f"name {name}": Resolve(name) for name in (*host.names, host.ssh.address)}


def wrong_names(host: Inventory, facts: Facts) -> Iterator[Note]:
    """A note for each name that does not resolve to the host; `facts` has its `addresses` as well."""
    here = _addresses_of_host(host, facts)
    for name in host.names:
        try:
            found = facts.lines(f"name {name}")
        except Unknown as error:
            yield Note(f"{name} does not resolve: {error}", f"add an A record for {name} that points to this host")
            continue
        yield from _elsewhere(name, found, here)


def _addresses_of_host(host: Inventory, facts: Facts) -> frozenset[str]:
    own = {address.partition("/")[0] for address in facts.lines("addresses")}
    reached = {host.site.address or host.ssh.address}
    try:
        reached |= set(facts.lines(f"name {host.ssh.address}"))
    except Unknown:
        return frozenset(own | reached)
    return frozenset(own | reached)


def _elsewhere(name: str, found: tuple[str, ...], here: frozenset[str]) -> Iterator[Note]:
    for address in found:
        if ipaddress.ip_address(address).version == 6:
            yield Note(
                f"{name} has the IPv6 address {address}, but this host does not serve IPv6",
                f"remove the AAAA record of {name}: visitors and Let's Encrypt try it first",
            )
        elif address not in here:
            yield Note(
                f"{name} resolves to {address}, which is not this host ({', '.join(sorted(here))})",
                f"point the A record of {name} to this host, or set site.address if the host is behind NAT",
            )
