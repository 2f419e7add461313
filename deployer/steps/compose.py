"""3.4 Docker Compose configuration: docker-compose.yml, checked before it replaces the old one."""

from collections.abc import Mapping

from deployer import compose
from deployer.changes import File
from deployer.facts import Facts, Probes
from deployer.files import ask_files, compare
from deployer.inventory.model import Inventory
from deployer.shell import sh
from deployer.step import Plan

TITLE = "3.4 Docker Compose configuration"


def files(host: Inventory) -> Mapping[str, File]:
    return {"compose": File(host.paths.compose, compose.text(host).encode())}


def probes(host: Inventory) -> Probes:
    return ask_files(files(host))


def plan(host: Inventory, facts: Facts) -> Plan:
    check = (
        f'[ ! -e "$STAGED{host.paths.compose}" ] || '
        + sh("docker", "compose", "--project-directory", host.paths.root, "-f")
        + f' "$STAGED{host.paths.compose}" config -q'
    )
    yield from compare(facts, files(host), check=check)
