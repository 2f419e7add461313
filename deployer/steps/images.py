"""7.4 Build: images of the backend and the wallet, tagged with the commit: built on the host, sent to it, or pulled."""

from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases import capacity
from deployer.releases.building import builds, files, probes_of_way
from deployer.releases.images import ask_images, missing
from deployer.releases.source import ask_serving
from deployer.resources.files import compare

TITLE = "7.4 Build images"


def probes(host: Inventory) -> Probes:
    return {**probes_of_way(host), "commit": ask_serving(host), "images": ask_images(host), **capacity.probes()}


def plan(host: Inventory, facts: Facts) -> Plan:
    if host.build.where == "host":
        yield from compare(facts, files(host))
    services = missing(host, facts)
    if services:
        capacity.refuse_little(host, facts)
        yield from builds(host, facts, services)
