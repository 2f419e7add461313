"""The interface of a step: a module with a title, its questions, and a pure plan."""

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StepVariant:
    """A step that is another one by title, name and questions; its plan sees other facts."""

    step: Step

    @property
    def TITLE(self) -> str:
        return self.step.TITLE

    @property
    def __name__(self) -> str:
        return getattr(self.step, "__name__", "")

    def probes(self, host: Inventory) -> Probes:
        return self.step.probes(host)
