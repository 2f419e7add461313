"""Addresses of names from public DNS, without /etc/hosts and search domains."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import dns.exception
import dns.nameserver
import dns.resolver

from deployer.verify.parallel import in_parallel


@dataclass(frozen=True)
class Addresses:
    """A and AAAA records of one name, in the order of the answer; not both are empty."""

    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()


def resolve(
    names: Iterable[str], nameservers: Sequence[str] | None = None, limit: float = 5.0
) -> dict[str, Addresses | str]:
    """Each name's addresses, or the reason why they are not known, all within `limit` seconds.

    `nameservers` are addresses, with a port where it is not 53 ("192.0.2.1", "192.0.2.1:5353", "[::1]:5353");
    None or none at all: those of this machine. One kind of record that fails makes the whole name a failure:
    a certificate authority would stumble over it too.
    """
    asked = list(dict.fromkeys(names))
    try:
        resolver = _resolver(nameservers or None, limit)
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return dict.fromkeys(asked, f"no name server to query: {error}")
    tasks = {(name, kind): partial(_records, resolver, name, kind) for name in asked for kind in ("A", "AAAA")}
    answers = in_parallel(tasks, limit, at_once=len(tasks))
    late = f"no answer within {limit:g} s"
    return {name: _both(answers.get((name, "A"), late), answers.get((name, "AAAA"), late)) for name in asked}


def _resolver(nameservers: Sequence[str] | None, limit: float) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=nameservers is None)
    if nameservers is not None:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*_endpoint(server)) for server in nameservers]
    resolver.lifetime = limit * 0.9
    resolver.timeout = limit * 0.4  # so that a second server, or a second try, gets its turn
    return resolver


def _endpoint(server: str) -> tuple[str, int]:
    """Address and port; raises ValueError where the address is none."""
    if server.startswith("["):
        host, end, port = server[1:].partition("]")
        if not end:
            raise ValueError(f"{server} has no closing bracket")
    elif server.count(":") == 1:
        host, _, port = server.partition(":")
    else:
        host, port = server, ""
    return str(ipaddress.ip_address(host)), int(port.lstrip(":") or 53)


def _records(resolver: dns.resolver.Resolver, name: str, kind: str) -> tuple[str, ...] | str:
    """The records of one kind, or why they are not known."""
    try:
        answer = resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        return tuple(record.to_text() for record in answer)
    except dns.resolver.NXDOMAIN:
        return "the name does not exist"
    except dns.resolver.LifetimeTimeout:
        return f"{kind}: the name servers do not answer"
    except dns.resolver.NoNameservers as error:
        return f"{kind}: the name servers fail: {error}"
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        return f"{kind}: {error}"


def _both(v4: tuple[str, ...] | str, v6: tuple[str, ...] | str) -> Addresses | str:
    if isinstance(v4, str):
        return v4
    if isinstance(v6, str):
        return v6
    return Addresses(v4, v6) if v4 or v6 else "the name exists, but has neither an A nor an AAAA record"
