"""7.4 Build: images of the backend and the wallet, tagged with the commit, from a clean export of it."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from deployer import compose
from deployer.changes import File, Note, Run, Stop
from deployer.compose import BACKEND, WALLET
from deployer.docker import ask_docker
from deployer.facts import Facts, Probes
from deployer.files import ask_files, compare
from deployer.inventory.model import Inventory
from deployer.remote.scripts import script
from deployer.rendering import render
from deployer.shell import lines, quote
from deployer.step import Plan
from deployer.steps.source import ask_standing

TITLE = "7.4 Build images"

SERVICES = (BACKEND, WALLET)

DOCKERFILES = ("Dockerfile.backend", "Dockerfile.backend.dockerignore", "Dockerfile.wallet", "wallet.conf")
"""Used where the repository has none, or one that does not work (wallet.dockerfile = "guide")."""

_GUIDE = "guide"


def files(host: Inventory) -> Mapping[str, File]:
    directory = host.paths.state / "docker"
    return {name: File(directory / name, render(name, host=host).encode()) for name in DOCKERFILES}


def probes(host: Inventory) -> Probes:
    return {**ask_files(files(host)), "commit": ask_standing(host), "images": ask_docker(_list(host))}


def plan(host: Inventory, facts: Facts) -> Plan:
    if host.build.where != "host":
        raise Stop(Note(f'build.where = "{host.build.where}" is not there yet', 'set [build] where = "host"'))
    yield from compare(facts, files(host))
    yield from (_build(host, service, facts["commit"]) for service in missing(host, facts))


def tags(host: Inventory, commit: str) -> Mapping[str, str]:
    """For each service the name of the image that is made from this commit with the settings of today."""
    return {
        service: f"{compose.image(host, service)}:{commit[:12] or 'none'}-{inputs(host, service)}"
        for service in SERVICES
    }


def known(facts: Facts) -> Mapping[str, str]:
    """The host's images of this application: their ids by name."""
    return dict(line.split(" ") for line in facts.lines("images"))


def missing(host: Inventory, facts: Facts) -> tuple[str, ...]:
    """The services whose image is not there."""
    there = known(facts)
    return tuple(service for service, tag in tags(host, facts["commit"]).items() if tag not in there)


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


def _list(host: Inventory) -> str:
    filters = " ".join(f"--filter reference={quote(compose.image(host, service) + ':*')}" for service in SERVICES)
    return f"docker image ls --no-trunc --format '{{{{.Repository}}}}:{{{{.Tag}}}} {{{{.ID}}}}' {filters}"


def _arguments(host: Inventory, service: str) -> Iterator[str]:
    given = dict(host.backend.build_args) if service == BACKEND else {host.wallet.api_url_variable: host.api_origin}
    yield from (f"{name}={value}" for name, value in given.items())


def _build(host: Inventory, service: str, commit: str) -> Run:
    settings = host.backend if service == BACKEND else host.wallet
    text = script(
        "build.sh",
        SOURCE=str(host.paths.source),
        STATE=str(host.paths.state),
        ENV_FILE=str(host.paths.env),
        COMMIT=commit,
        IMAGE=compose.image(host, service),
        TAG=tags(host, commit)[service],
        INPUTS=inputs(host, service),
        CONTEXT=settings.context,
        DOCKERFILE=settings.dockerfile if settings.dockerfile != _GUIDE else "",
        OWN="Dockerfile.backend" if service == BACKEND else "Dockerfile.wallet",
        TARGET=host.backend.target if service == BACKEND else "",
        ARGUMENTS="\n".join(_arguments(host, service)),
        API=host.api_origin if service == WALLET else "",
    )
    return Run(f"build the image {compose.image(host, service)}", lines(script("mask.sh"), text), within=3600)
