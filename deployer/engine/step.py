"""The interface of a step: a module with a title, its questions, and a pure plan."""

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
        """The questions whose answers the plan needs."""

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        """The changes to make; none when the host is in the desired state.

        Raises Unknown where a fact is missing, Stop where no change can bring the host there.
        """
