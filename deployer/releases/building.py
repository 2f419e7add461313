"""The three ways in which the images of a release get onto a host: built there, built here and sent, or pulled."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from deployer.engine.changes import File, Script, Send
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.releases.images import inputs, reference, settings_of, tags
from deployer.resources.docker import ask_docker
from deployer.resources.files import ask_files
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.rendering import render
from deployer.text.shell import lines

DOCKERFILES = ("Dockerfile.backend", "Dockerfile.backend.dockerignore", "Dockerfile.wallet", "wallet.conf")
"""Used where the repository has none, or one that does not work (wallet.dockerfile = "guide")."""

SLICE = "deployerbuild.slice"
"""Where the commands of Dockerfiles run on the host; a dash in its name would make it a part of another slice."""

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
    state = str(host.paths.state)
    places = {
        "SOURCE": str(host.paths.source),
        "WORK": state,
        "TOOL": f"{state}/docker",
        "SLICE": SLICE,
        "PLATFORM": "",
    }
    for service in services:
        candidate = f"{compose.image(host, service)}:unproved"
        build = _build(host, service, commit, candidate, **places)
        text = lines(build, _accept(host, service, commit, candidate))
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
        tuple(_build(host, name, commit, image, SLICE="", PLATFORM=platform) for name, image in candidates.items()),
        tuple(files(host).values()),
        platform,
        tuple(tuple(line.split(" ")) for line in facts.lines("held")),
    )
    for service, candidate in candidates.items():
        why = f"check the image {compose.image(host, service)} on the host, and tag it"
        yield Script(why, _accept(host, service, commit, candidate))


def _from_registry(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Script]:
    commit = facts["commit"]
    for service in services:
        pulled = reference(host, service, commit)
        pull = script("releases/scripts/pull.sh", REFERENCE=pulled, IMAGE=compose.image(host, service))
        text = lines(pull, _accept(host, service, commit, pulled, keep="yes"))
        yield Script(f"pull {pulled} as {compose.image(host, service)}", text, within=3600)


def _build(host: Inventory, service: str, commit: str, image: str, **places: str) -> str:
    settings = settings_of(host, service)
    build = script(
        "releases/scripts/build.sh",
        COMMIT=commit,
        IMAGE=image,
        INPUTS=inputs(host, service),
        CONTEXT=settings["context"],
        DOCKERFILE=settings["dockerfile"] if settings["dockerfile"] != _GUIDE else "",
        OWN="Dockerfile.backend" if service == BACKEND else "Dockerfile.wallet",
        TARGET=host.backend.target if service == BACKEND else "",
        ARGUMENTS="\n".join(_arguments(host, service)),
        **places,
    )
    return lines(script("releases/scripts/check_source.sh"), build)


def _arguments(host: Inventory, service: str) -> Iterator[str]:
    given = dict(host.backend.build_args) if service == BACKEND else {host.wallet.api_url_variable: host.api_origin}
    yield from (f"{name}={value}" for name, value in given.items())


def _accept(host: Inventory, service: str, commit: str, candidate: str, keep: str = "") -> str:
    """Bash that checks a candidate for secrets and for the API's address, and gives it its final name."""
    text = script(
        "releases/scripts/verify_image.sh",
        CANDIDATE=candidate,
        TAG=tags(host, commit)[service],
        STATE=str(host.paths.state),
        ENV_FILE=str(host.paths.env),
        API=host.api_origin if service == WALLET else "",
        KEEP=keep,
    )
    return lines(script("engine/mask.sh"), text)


_WAYS: Mapping[str, Callable[[Inventory, Facts, Sequence[str]], Iterator[Script | Send]]] = {
    "host": _on_host,
    "operator": _from_operator,
    "registry": _from_registry,
}
