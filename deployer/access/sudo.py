"""Prerequisites: sudo, which minimal images lack."""

from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.packages import install

TITLE = "Prerequisites: sudo"


def probes(host: Inventory) -> Probes:
    return {"sudo": Ask("command -v sudo && command -v visudo || true")}


def plan(host: Inventory, facts: Facts) -> Plan:
    if len(facts.lines("sudo")) < 2:
        yield install(("sudo",))
