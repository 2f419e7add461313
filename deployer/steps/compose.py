"""3.4 Docker Compose configuration: docker-compose.yml, checked before it replaces the old one."""

from collections.abc import Mapping

from deployer.engine.changes import File
from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_files, compare
from deployer.site import compose
from deployer.text.shell import sh

TITLE = "3.4 Docker Compose configuration"


def files(host: Inventory) -> Mapping[str, File]:
    return {"compose": File(host.paths.compose, compose.text(host).encode())}


def probes(host: Inventory) -> Probes:
    return ask_files(files(host), host)


def plan(host: Inventory, facts: Facts) -> Plan:
    check = (
        f'[ ! -e "$STAGED{host.paths.compose}" ] || '
        + sh("docker", "compose", "--project-directory", host.paths.root, "-f")
        + f' "$STAGED{host.paths.compose}" config -q'
    )
    yield from compare(facts, files(host), check=check)
