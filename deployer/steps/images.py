"""7.4 Build: images of the backend and the wallet, tagged with the commit: built on the host, sent to it, or pulled."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from deployer.engine.changes import File, Script, Send
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases import capacity as room
from deployer.releases.source import ask_serving
from deployer.resources.docker import ask_docker
from deployer.resources.files import ask_files, compare
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.rendering import render
from deployer.text.shell import lines, quote

TITLE = "7.4 Build images"

SERVICES = (BACKEND, WALLET)

DOCKERFILES = ("Dockerfile.backend", "Dockerfile.backend.dockerignore", "Dockerfile.wallet", "wallet.conf")
"""Used where the repository has none, or one that does not work (wallet.dockerfile = "guide")."""

SLICE = "deployerbuild.slice"
"""Where the commands of Dockerfiles run on the host; a dash in its name would make it a part of another slice."""

PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
"""`uname -m` as Docker names it; `preflight` refuses all others."""

_GUIDE = "guide"

# Where Docker keeps images in containerd nothing can be left out: it wants every layer that an image names.
_HELD = """\
case $(docker info --format '{{.DriverStatus}}') in *io.containerd.snapshotter*) exit 0 ;; esac
docker image ls --quiet --no-trunc | sort -u |
  xargs -r docker image inspect --format '{{join .RootFS.Layers " "}}' | sort -u"""


def files(host: Inventory) -> Mapping[str, File]:
    directory = host.paths.state / "docker"
    return {name: File(directory / name, render(name, host=host).encode()) for name in DOCKERFILES}


def probes(host: Inventory) -> Probes:
    always = {"commit": ask_serving(host), "images": ask_docker(_list(host)), **room.probes()}
    match host.build.where:
        case "host":
            return {**ask_files(files(host)), **always}
        case "operator":
            return {**always, "machine": Ask("uname -m"), "held": ask_docker(_HELD)}
        case "registry":
            return always


def plan(host: Inventory, facts: Facts) -> Plan:
    if host.build.where == "host":
        yield from compare(facts, files(host))
    services = missing(host, facts)
    if services:
        room.refuse_little(host, facts)
        yield from _WAYS[host.build.where](host, facts, services)


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
    """A digest of all that goes into an image besides the commit; where it is built makes no difference."""
    told = list(_pulled(host, service) if host.build.where == "registry" else _built(host, service))
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:8]


def reference(host: Inventory, service: str, commit: str) -> str:
    """What is pulled: exactly the digest where there is one, else the tag, which by itself is the whole commit id."""
    name, _, digest = _settings(host, service)["image"].partition("@")
    path, _, last = name.rpartition("/")
    short, _, tag = last.partition(":")
    plain = f"{path}/{short}" if path else short
    return f"{plain}@{digest}" if digest else f"{plain}:{tag or commit}"


def _pulled(host: Inventory, service: str) -> Iterator[object]:
    yield from ("registry", _settings(host, service)["image"])
    if service == WALLET:
        yield host.api_origin


def _built(host: Inventory, service: str) -> Iterator[object]:
    if service == BACKEND:
        settings = host.backend
        yield from (settings.context, settings.dockerfile, settings.target, dict(settings.build_args))
        yield render("Dockerfile.backend", host=host)
    else:
        wallet = host.wallet
        yield from (wallet.context, wallet.dockerfile, wallet.output_dir, wallet.api_url_variable, host.api_origin)
        yield from (render(name, host=host) for name in ("Dockerfile.wallet", "wallet.conf"))


def _settings(host: Inventory, service: str) -> Mapping[str, str]:
    settings = host.backend if service == BACKEND else host.wallet
    return {"image": settings.image, "context": settings.context, "dockerfile": settings.dockerfile}


def _list(host: Inventory) -> str:
    filters = " ".join(f"--filter reference={quote(compose.image(host, service) + ':*')}" for service in SERVICES)
    return f"docker image ls --no-trunc --format '{{{{.Repository}}}}:{{{{.Tag}}}} {{{{.ID}}}}' {filters}"


# -- what is done ------------------------------------------------------------------------------------------------------


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
        text = lines(build, _prove(host, service, commit, candidate))
        yield Script(f"build the image {compose.image(host, service)}", text, within=3600)


def _from_operator(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Send | Script]:
    """Under the final name with an ending: builds for other hosts, at the same time, have other names."""
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
        why = f"check the image {compose.image(host, service)} on the host, and name it"
        yield Script(why, _prove(host, service, commit, candidate))


def _from_registry(host: Inventory, facts: Facts, services: Sequence[str]) -> Iterator[Script]:
    commit = facts["commit"]
    for service in services:
        pulled = reference(host, service, commit)
        pull = script("releases/scripts/pull.sh", REFERENCE=pulled, IMAGE=compose.image(host, service))
        text = lines(pull, _prove(host, service, commit, pulled, keep="yes"))
        yield Script(f"pull {pulled} as {compose.image(host, service)}", text, within=3600)


_WAYS: Mapping[str, Callable[[Inventory, Facts, Sequence[str]], Iterator[Script | Send]]] = {
    "host": _on_host,
    "operator": _from_operator,
    "registry": _from_registry,
}


def _build(host: Inventory, service: str, commit: str, image: str, **places: str) -> str:
    settings = _settings(host, service)
    return script(
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


def _arguments(host: Inventory, service: str) -> Iterator[str]:
    given = dict(host.backend.build_args) if service == BACKEND else {host.wallet.api_url_variable: host.api_origin}
    yield from (f"{name}={value}" for name, value in given.items())


def _prove(host: Inventory, service: str, commit: str, candidate: str, keep: str = "") -> str:
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
