"""4. Nginx container: another image or other settings; the one case with a gap, so it comes last and says so."""

from deployer.engine.changes import Script
from deployer.engine.facts import Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.site.compose import PROXY, config_digests
from deployer.site.containers import ask_containers, containers
from deployer.text.shell import lines

TITLE = "4. Nginx container"


def probes(host: Inventory) -> Probes:
    return {"containers": ask_containers(host)}


def plan(host: Inventory, facts: Facts) -> Plan:
    running = [item for item in containers(facts["containers"]) if (item.service, item.state) == (PROXY, "running")]
    if running and running[0].config != config_digests(host)[PROXY]:
        parameters = {"ROOT": str(host.root), "DOMAIN": host.site.domain, "IMAGE": host.nginx.image}
        functions = script("site/scripts/proxy.sh", NAME=host.name, NGINX=str(host.paths.nginx), **parameters)
        why = f"replace the proxy's container by one of {host.nginx.image}: about a second without an answer, measured"
        yield Script(why, lines(functions, "replace_proxy"), within=600, critical=True)
