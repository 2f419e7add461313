"""10.1 Release: .env, compose, nginx, database and containers change together, and are rolled back together."""

from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.steps import compose, containers, database, environment, nginx

TITLE = "10.1 Release"

_PARTS = (environment, compose, nginx, database, containers)


def probes(host: Inventory) -> Probes:
    return {key: probe for part in _PARTS for key, probe in part.probes(host).items()}


def plan(host: Inventory, facts: Facts) -> Plan:
    for part in _PARTS:
        yield from part.plan(host, facts)
