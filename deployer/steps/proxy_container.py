"""4. Nginx container: another image or other settings; the one change with downtime, so it comes last."""

from deployer.engine.changes import Script
from deployer.engine.facts import Facts, Probes
from deployer.engine.host_program import call
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.site.compose import PROXY, config_digests
from deployer.site.containers import ask_containers, containers

TITLE = "4. Nginx container"


def probes(host: Inventory) -> Probes:
    return {"containers": ask_containers(host)}


def plan(host: Inventory, facts: Facts) -> Plan:
    running = [item for item in containers(facts["containers"]) if (item.service, item.state) == (PROXY, "running")]
    if running and running[0].config != config_digests(host)[PROXY]:
        why = f"replace the proxy's container by one of {host.nginx.image}, with about a second of downtime (measured)"
        yield Script(why, call(host, "proxy", "replace"), within=600, critical=True)
