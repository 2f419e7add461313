"""How long a host's certificate still lasts, and whether it is time to renew it."""

from dataclasses import dataclass

from deployer.engine.facts import Ask, Facts
from deployer.engine.survey import parse
from deployer.errors import Context, DeployerError
from deployer.inventory.model import Inventory
from deployer.steps.certificates import TITLE, source
from deployer.text.shell import quote

SELF_SIGNED_DUE = 30
"""Days before its end from which renew.sh makes a new self-signed one."""

KEYS = ("digest", "dates", "now")


@dataclass(frozen=True)
class Standing:
    """What is installed (its digest), and the dates of what it is renewed from; 0 where that was never obtained."""

    digest: str
    begin: int
    end: int
    now: int

    @property
    def days_left(self) -> int:
        return max(0, (self.end - self.now) // 86400)


def asked(host: Inventory) -> tuple[Ask, ...]:
    """The digest of what is installed, begin and end of its source, the host's clock; empty where there is none."""
    installed, origin = quote(host.paths.certificate), quote(source(host) / "fullchain.pem")
    dates = (f"openssl x509 -in {origin} -noout -{which}date | cut -d= -f2" for which in ("start", "end"))
    return (
        Ask(f"[ ! -e {installed} ] || sha256sum <{installed}"),
        Ask("\n".join((f"[ -e {origin} ] || exit 0", *(f'date +%s -d "$({date})"' for date in dates)))),
        Ask("date +%s"),
    )


def standing(host: Inventory, reply: bytes) -> Standing:
    """Raises DeployerError where no certificate was installed yet."""
    answers = parse(reply, asked(host))
    told = Facts(dict(zip(KEYS, (answers[ask] for ask in asked(host)), strict=True)))
    if not told["digest"]:
        raise DeployerError(
            f"there is no certificate at {host.paths.certificate} yet: nothing to renew",
            remedy=f"deployer provision --host {host.host_name}",
            context=Context(host=host.host_name, step=TITLE),
        )
    begin, end = told.lines("dates") or ("0", "0")
    return Standing(told["digest"], int(begin), int(end), int(told["now"]))


def due_days(host: Inventory, found: Standing) -> int:
    """certbot renews in the last third of a lifetime, of one below ten days in the last half."""
    if host.tls.mode == "self-signed":
        return SELF_SIGNED_DUE
    lifetime = (found.end - found.begin) // 86400
    return lifetime // 2 if lifetime < 10 else lifetime // 3


def reason(host: Inventory, found: Standing, *, force: bool) -> str:
    """Why it is renewed, or why not."""
    if host.tls.mode == "provided":
        return "a provided certificate is renewed by who provided it: put the new one in the inventory, then provision"
    if force:
        return f"renew the certificate, though it has {found.days_left} days left"
    if is_due(host, found):
        return f"renew the certificate, which has {found.days_left} days left"
    return f"not yet due: {found.days_left} days left, renewed in the last {due_days(host, found)}"


def is_due(host: Inventory, found: Standing) -> bool:
    return host.tls.mode != "provided" and found.end - found.now < due_days(host, found) * 86400
