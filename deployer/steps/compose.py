"""Docker Compose configuration: docker-compose.yml and the Dockerfiles, checked before they replace the old ones."""

from collections.abc import Mapping

from deployer import compose
from deployer.changes import File
from deployer.facts import Facts, Probes
from deployer.files import ask_files, compare
from deployer.inventory.model import Inventory
from deployer.rendering import render
from deployer.shell import sh
from deployer.step import Plan

TITLE = "3.4 Docker Compose configuration"

DOCKERFILES = ("Dockerfile.backend", "Dockerfile.backend.dockerignore", "Dockerfile.wallet", "wallet.conf")
"""Used where the repository has none, or one that does not work (wallet.dockerfile = "guide")."""


def files(host: Inventory) -> Mapping[str, File]:
    directory = host.paths.state / "docker"
    own = {name: File(directory / name, render(name, host=host).encode()) for name in DOCKERFILES}
    return {"compose": File(host.paths.compose, compose.text(host).encode()), **own}


def probes(host: Inventory) -> Probes:
    return ask_files(files(host))


def plan(host: Inventory, facts: Facts) -> Plan:
    check = (
        f'[ ! -e "$STAGED{host.paths.compose}" ] || '
        + sh("docker", "compose", "--project-directory", host.paths.root, "-f")
        + f' "$STAGED{host.paths.compose}" config -q'
    )
    yield from compare(facts, files(host), check=check)
