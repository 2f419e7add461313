"""A step that runs because a command requests it, not because the host differs: a backup, a restore, a drill."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployer.engine.changes import Change, Script
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.text.shell import quote


@dataclass(frozen=True)
class OneOff:
    """A step that makes these changes once: `token` is unique to this run, and is on the host when they are made."""

    title: str
    changes: Sequence[Change]
    token: str

    @property
    def TITLE(self) -> str:
        return self.title

    @property
    def __name__(self) -> str:
        return self.title.partition(" ")[2].lower()  # without the section's number

    def probes(self, host: Inventory) -> Probes:
        return {"done": Ask(f"cat {quote(self._mark(host))} 2>/dev/null || true")}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        if facts["done"] != self.token:
            yield from self.changes
            yield Script("record that it is done", f"echo {quote(self.token)} >{quote(self._mark(host))}")

    def _mark(self, host: Inventory) -> str:
        """One file for each title: a command may have several one-offs, one after the other."""
        return f"/run/deployer-{host.name}.done-{self.__name__.replace(' ', '-')}"
