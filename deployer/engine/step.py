"""The vocabulary of a step: a module with a title, its questions, and a pure plan."""

from collections.abc import Iterator
from typing import Protocol

from deployer.engine.changes import Change, Note
from deployer.engine.facts import Facts, Probes
from deployer.inventory.model import Inventory

Plan = Iterator[Change | Note]


class Step(Protocol):
    """One section of the guide. A module that has these names is a step; mypy holds it to that."""

    @property
    def TITLE(self) -> str:
        """The guide's section, number first."""

    def probes(self, host: Inventory) -> Probes:
        """What must be known before the plan can be made."""

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        """What has to be done; nothing when the host is as it should be.

        Raises Unknown where a fact cannot be told yet, Stop where no change can mend the host.
        """
