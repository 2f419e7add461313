"""10.1 Release: what is deployed together changes together, with one way back: .env, compose, nginx, containers."""

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
