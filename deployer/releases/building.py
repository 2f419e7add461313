"""The three ways in which the images of a release get onto a host: built there, built here and sent, or pulled."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from deployer.engine.changes import File, Script, Send
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import run
from deployer.inventory.model import Inventory
from deployer.releases.images import inputs, reference, settings_of, tags
from deployer.remote.build.recipe import Recipe
from deployer.resources.docker import ask_docker
from deployer.resources.files import ask_files
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.rendering import render

DOCKERFILES = ("Dockerfile.backend", "Dockerfile.backend.dockerignore", "Dockerfile.wallet", "wallet.conf")
"""Used where the repository has none, or one that does not work (wallet.dockerfile = "guide")."""

PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
"""`uname -m` as Docker names it; `preflight` refuses all others."""

_GUIDE = "guide"

# Where Docker keeps images in containerd nothing can be left out: it requires every layer that an image names.
_HELD = """\
case $(docker info --format '{{.DriverStatus}}') in *io.containerd.snapshotter*) exit 0 ;; esac
docker image ls --quiet --no-trunc | sort -u |
  xargs -r docker image inspect --format '{{join .RootFS.Layers " "}}' | sort -u"""


def files(host: Inventory) -> Mapping[str, File]:
    directory = host.paths.state / "docker"
    return {name: File(directory / name, render(name, host=host).encode()) for name in DOCKERFILES}


def probes_of_way(host: Inventory) -> Probes:
    """What has to be known of the host for the way that the inventory names."""
    match host.build.where:
        case "host":
            return ask_files(files(host), host)
        case "operator":
            return {"machine": Ask("uname -m"), "held": ask_docker(_HELD)}
        case "registry":
            return {}


def builds(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Script | Send]:
    """The changes after which the host has the images of these services."""
    return _WAYS[host.build.where](host, facts, services)


def _on_host(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Script]:
    commit = facts["commit"]
    for service in services:
        recipe = _recipe(host, service, commit, f"{compose.image(host, service)}:unproved")
        text = run(host, "image", "build", recipe.text, *_name(host, service, commit))
        yield Script(f"build the image {compose.image(host, service)}", text, within=3600)


def _from_operator(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Send | Script]:
    """Named with the final name and an ending, so that simultaneous builds for other hosts have other names."""
    commit = facts["commit"]
    candidates = {service: f"{tags(host, commit)[service]}-unproved" for service in services}
    platform = PLATFORMS.get(facts["machine"], f"linux/{facts['machine']}")
    names = " and ".join(compose.image(host, service) for service in services)
    yield Send(
        f"build {names} on this machine for {platform}, and send the layers that the host lacks",
        commit,
        tuple(candidates.values()),
        tuple(_recipe(host, service, commit, image, platform) for service, image in candidates.items()),
        tuple(files(host).values()),
        platform,
        tuple(tuple(line.split(" ")) for line in facts.lines("held")),
    )
    for service, candidate in candidates.items():
        why = f"check the image {compose.image(host, service)} on the host, and tag it"
        yield Script(why, run(host, "image", "accept", candidate, *_name(host, service, commit)))


def _from_registry(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Script]:
    commit = facts["commit"]
    for service in services:
        pulled = reference(host, service, commit)
        name = compose.image(host, service)
        text = run(host, "image", "pull", pulled, name, *_name(host, service, commit))
        yield Script(f"pull {pulled} as {name}", text, within=3600)


def _recipe(host: Inventory, service: str, commit: str, image: str, platform: str = "") -> Recipe:
    settings = settings_of(host, service)
    return Recipe(
        commit=commit,
        image=image,
        inputs=inputs(host, service),
        context=settings["context"],
        dockerfile=settings["dockerfile"] if settings["dockerfile"] != _GUIDE else "",
        own="Dockerfile.backend" if service == BACKEND else "Dockerfile.wallet",
        target=host.backend.target if service == BACKEND else "",
        arguments=tuple(_arguments(host, service)),
        platform=platform,
    )


def _arguments(host: Inventory, service: str) -> Iterator[str]:
    given = dict(host.backend.build_args) if service == BACKEND else {host.wallet.api_url_variable: host.api_origin}
    yield from (f"{name}={value}" for name, value in given.items())


def _name(host: Inventory, service: str, commit: str) -> tuple[str, str]:
    """The final name, and for the wallet the address of the API, which has to be in its files."""
    return tags(host, commit)[service], host.api_origin if service == WALLET else ""


_WAYS: Mapping[str, Callable[[Inventory, Facts, Sequence[str]], Iterator[Script | Send]]] = {
    "host": _on_host,
    "operator": _from_operator,
    "registry": _from_registry,
}
