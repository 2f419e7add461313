"""A certificate and its key: where the pair comes from, and what the host shows of one."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.inventory.model import Inventory

TITLE = "5. SSL/TLS certificates"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key by their digests; empty where there is none.

    `lasts`: it is valid for the number of days in the question; `belongs`: the key is the certificate's.
    """

    certificate: str = ""
    key: str = ""
    names: frozenset[str] = frozenset()
    lasts: bool = False
    belongs: bool = False


def source(host: Inventory) -> PurePosixPath:
    """The directory that the installed pair is copied from: certbot's, or one of the tool."""
    if host.tls.mode == "letsencrypt":
        return PurePosixPath("/etc/letsencrypt/live") / host.site.domain
    return host.paths.state / "tls"


def ask_pairs(host: Inventory, days: int) -> Probes:
    """The pair at its source, and whether its certificate lasts as many more days; and the installed pair."""
    text = script(
        "certificates/scripts/show_certificate.sh",
        SOURCE=str(source(host)),
        INSTALLED=str(host.paths.ssl),
        DAYS=days,
    )
    return {name: Ask(text, part=name) for name in ("source", "installed")}


def pair(facts: Facts, key: str) -> Pair:
    """The answer to `ask_pairs` that has this key. Raises Unknown."""
    shown = facts.pairs(key)
    names = frozenset(name for name in shown.get("names", "").split(",") if name)
    return Pair(shown.get("certificate", ""), shown.get("key", ""), names, "lasts" in shown, "pair" in shown)
