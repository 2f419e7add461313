"""7.4 Build: images of the backend and the wallet, tagged with the commit, from a clean export of it."""

import hashlib
import json
from collections.abc import Iterator

from deployer import compose
from deployer.changes import Note, Run, Stop
from deployer.compose import BACKEND, WALLET
from deployer.docker import ask_docker
from deployer.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.remote.scripts import script
from deployer.rendering import render
from deployer.shell import lines, quote
from deployer.step import Plan
from deployer.steps.source import git

TITLE = "7.4 Build images"

_GUIDE = "guide"


def probes(host: Inventory) -> Probes:
    return {
        "commit": Ask(f"[ -e {quote(host.paths.source)} ] || exit 0; {git(host, 'rev-parse', 'HEAD')}"),
        BACKEND: _ask_image(host, BACKEND),
        WALLET: _ask_image(host, WALLET),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    if host.build.where != "host":
        raise Stop(Note(f'build.where = "{host.build.where}" is not there yet', 'set [build] where = "host"'))
    yield from (_build(host, service) for service in outdated(host, facts))


def outdated(host: Inventory, facts: Facts) -> Iterator[str]:
    """The services whose current image is absent, of another commit, or built with other settings."""
    for service in (BACKEND, WALLET):
        commit, _, built_with = facts[service].partition(" ")
        if not facts["commit"] or (commit, built_with) != (facts["commit"], inputs(host, service)):
            yield service


def inputs(host: Inventory, service: str) -> str:
    """A digest of all that goes into a build besides the commit."""
    if service == BACKEND:
        settings = host.backend
        told: list[object] = [settings.context, settings.dockerfile, settings.target, dict(settings.build_args)]
        told.append(render("Dockerfile.backend", host=host))
    else:
        wallet = host.wallet
        told = [wallet.context, wallet.dockerfile, wallet.output_dir, wallet.api_url_variable, host.api_origin]
        told += [render(name, host=host) for name in ("Dockerfile.wallet", "wallet.conf")]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _ask_image(host: Inventory, service: str) -> Ask:
    labels = '{{index .Config.Labels "deployer.commit"}} {{index .Config.Labels "deployer.inputs"}}'
    name = f"{compose.image(host, service)}:current"
    listed = f"id=$(docker image ls -q {quote(name)}) || exit 3"
    return ask_docker(f'{listed}\n[ -z "$id" ] || docker image inspect --format {quote(labels)} {quote(name)}')


def _build(host: Inventory, service: str) -> Run:
    settings = host.backend if service == BACKEND else host.wallet
    arguments = dict(host.backend.build_args) if service == BACKEND else {host.wallet.api_url_variable: host.api_origin}
    text = script(
        "build.sh",
        SOURCE=str(host.paths.source),
        STATE=str(host.paths.state),
        ENV_FILE=str(host.paths.env),
        IMAGE=compose.image(host, service),
        INPUTS=inputs(host, service),
        CONTEXT=settings.context,
        DOCKERFILE=settings.dockerfile if settings.dockerfile != _GUIDE else "",
        OWN="Dockerfile.backend" if service == BACKEND else "Dockerfile.wallet",
        TARGET=host.backend.target if service == BACKEND else "",
        ARGUMENTS="\n".join(f"{name}={value}" for name, value in arguments.items()),
        API=host.api_origin if service == WALLET else "",
    )
    return Run(f"build the image {compose.image(host, service)}", lines(script("mask.sh"), text), within=3600)
