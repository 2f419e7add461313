"""Prerequisites: sudo, which minimal images lack."""

from deployer.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.packages import install
from deployer.step import Plan

TITLE = "Prerequisites: sudo"


def probes(host: Inventory) -> Probes:
    return {"sudo": Ask("command -v sudo && command -v visudo || true")}


def plan(host: Inventory, facts: Facts) -> Plan:
    if len(facts.lines("sudo")) < 2:
        yield install(("sudo",))
