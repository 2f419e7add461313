"""4. Nginx container: another image or other settings; the one change with downtime, so it comes last."""

from collections.abc import Iterator

from deployer.engine.changes import Script
from deployer.engine.facts import Facts, Probes
from deployer.engine.host_program import call
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.site.compose import PROXY, config_digests
from deployer.site.containers import Container, ask_containers, containers

TITLE = "4. Nginx container"


def probes(host: Inventory) -> Probes:
    return {"containers": ask_containers(host)}


def plan(host: Inventory, facts: Facts) -> Plan:
    for item in containers(host, facts["containers"]):
        if (item.service, item.state) == (PROXY, "running"):
            yield from _replacement(host, item)


def _replacement(host: Inventory, running: Container) -> Iterator[Script]:
    as_made = running.config == config_digests(host)[PROXY]
    if not as_made or running.differences:
        because = f", since {running.as_it_runs}" if as_made else ""
        why = f"replace the proxy's container by one of {host.nginx.image}{because}"
        why = f"{why}, with about a second of downtime (measured)"
        yield Script(why, call(host, "proxy", "replace"), within=600, critical=True)
