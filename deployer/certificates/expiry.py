"""How long a host's certificate still lasts, and whether it is due for renewal."""

from dataclasses import dataclass

from deployer.certificates.pair import source
from deployer.engine.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.text.shell import quote

SELF_SIGNED_DUE = 30
"""Days before its end from which the host program makes a new self-signed one."""


@dataclass(frozen=True)
class Validity:
    """Begin and end of the certificate that is renewed, and the host's clock, in seconds since 1970.

    Begin and end are 0 where the certificate was never obtained; nginx may serve a placeholder then. `in_place` is
    False where the CA's certificate is not the installed one: its installation failed after it was renewed.
    """

    begin: int
    end: int
    now: int
    in_place: bool = True

    @property
    def days_left(self) -> int:
        return max(0, (self.end - self.now) // 86400)


def probes(host: Inventory) -> Probes:
    """The digests of the installed certificate and of its source, begin and end, the host's clock; empty if absent."""
    installed, origin = quote(host.paths.certificate), quote(source(host) / "fullchain.pem")
    dates = (f"openssl x509 -in {origin} -noout -{which}date | cut -d= -f2" for which in ("start", "end"))
    return {
        "installed": Ask(f"[ ! -e {installed} ] || sha256sum <{installed}"),
        "source": Ask(f"[ ! -e {origin} ] || sha256sum <{origin}"),
        "dates": Ask("\n".join((f"[ -e {origin} ] || exit 0", *(f'date +%s -d "$({date})"' for date in dates)))),
        "now": Ask("date +%s"),
    }


def validity(host: Inventory, facts: Facts) -> Validity:
    """From the answers to `probes`. Raises Unknown."""
    begin, end = facts.lines("dates") or ("0", "0")
    in_place = host.tls.mode != "letsencrypt" or facts["source"] == facts["installed"]
    return Validity(int(begin), int(end), int(facts["now"]), in_place)


def due_days(host: Inventory, found: Validity) -> int:
    """certbot renews in the last third of a lifetime; of one below ten days in the last half."""
    if host.tls.mode == "self-signed":
        return SELF_SIGNED_DUE
    lifetime = (found.end - found.begin) // 86400
    return lifetime // 2 if lifetime < 10 else lifetime // 3


def is_due(host: Inventory, found: Validity) -> bool:
    """Whether it is time to renew; one that the operator provides never is."""
    return host.tls.mode != "provided" and found.end - found.now < due_days(host, found) * 86400
