"""5. Renewal: the step that renews the certificate when it is due, or on request."""

from dataclasses import dataclass, field
from uuid import uuid4

from deployer.certificates import expiry, pair
from deployer.certificates.expiry import Validity, due_days, is_due, validity
from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Facts, Probes
from deployer.engine.host_program import run
from deployer.engine.oneoff import OneOff
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory

WITHIN = 900
"""Seconds: the CA may ask to repeat, and looks from several places."""

PROVIDED = Note(
    'tls.mode is "provided", so this tool does not renew the certificate.',
    "Point tls.certificate and tls.private_key at the new files, then run `deployer provision`.",
)


@dataclass(frozen=True)
class Renewal:
    """Renews once, with `force` also a certificate that is not due."""

    force: bool = False
    token: str = field(default_factory=lambda: uuid4().hex)

    TITLE = pair.TITLE

    @property
    def __name__(self) -> str:
        return "renew"

    def probes(self, host: Inventory) -> Probes:
        return {**expiry.probes(host), **self._once(()).probes(host)}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        """Raises Stop where no certificate was installed yet."""
        if not facts["installed"]:
            remedy = f"deployer provision --host {host.host_name}"
            raise Stop(Note(f"{host.paths.certificate} does not exist yet: there is nothing to renew", remedy))
        found = validity(host, facts)
        if host.tls.mode == "provided":
            yield PROVIDED
            return
        if self.force or is_due(host, found) or not found.in_place:
            yield from self._once((self._change(host, found),)).plan(host, facts)
        yield Note(
            f"the certificate has {found.days_left} days left and is renewed in the last {due_days(host, found)}"
        )

    def _change(self, host: Inventory, found: Validity) -> Script:
        left = f"renew the certificate, which has {found.days_left} days left"
        what = left if self.force or is_due(host, found) else "install the certificate that the CA issued last"
        why = f"{what}; the one in place is served until then"
        return Script(why, run(host, "renew", *(("--force",) if self.force else ())), within=WITHIN)

    def _once(self, changes: tuple[Script, ...]) -> OneOff:
        """Its mark ends the run also after `force`, and where the CA keeps a certificate that is due."""
        return OneOff("5. Renewal", changes, self.token)
