"""Answers that Docker's API has."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from deployer.remote.docker_api import Object, label
from deployer.remote.failure import Failure
from deployer.remote.survey.surveyed import Surveyed, printed_by


def engine(host: Surveyed, words: Sequence[str]) -> str:
    """`engine SCRIPT`: the version of the daemon; empty where none is installed. The script asks one that is down."""
    if not shutil.which("dockerd"):
        return ""
    try:
        return str(host.api.version()["Version"])
    except Failure:
        return printed_by(words[0])


def image(host: Surveyed, words: Sequence[str]) -> str:
    """`image NAME`: its id; empty where there is none."""
    found = host.api.image(words[0])
    return str(found["Id"]) if found else ""


def images(host: Surveyed, words: Sequence[str]) -> str:
    """`images NAME…`: a line with name and id for each image of these names, with whatever tag."""
    starts = tuple(f"{name}:" for name in words)
    tagged = ((tag, item["Id"]) for item in host.api.images() for tag in _list(item, "RepoTags"))
    return "\n".join(f"{tag} {identifier}" for tag, identifier in tagged if str(tag).startswith(starts))


def network(host: Surveyed, words: Sequence[str]) -> str:
    """`network NAME`: its driver, then subnet and range; empty where there is none."""
    found = host.api.network(words[0])
    if not found:
        return ""
    ranges = _list(cast("Object", found.get("IPAM") or {}), "Config")
    pairs = (f"{item.get('Subnet', '')} {item.get('IPRange', '')} " for item in cast("list[Object]", ranges))
    return f"{found['Driver']} {''.join(pairs)}"


def publishers(host: Surveyed, words: Sequence[str]) -> str:
    """`publishers`: a line for each container that runs: its project, then its ports as `docker ps` shows them."""
    running = (item for item in host.api.containers() if item.get("State") == "running")
    return "\n".join(f"{label(item, 'com.docker.compose.project')} {', '.join(_ports(item))}" for item in running)


def _ports(item: Object) -> Iterator[str]:
    for port in cast("list[Mapping[str, object]]", _list(item, "Ports")):
        inner = f"{port['PrivatePort']}/{port['Type']}"
        yield f"{port.get('IP', '')}:{port['PublicPort']}->{inner}" if port.get("PublicPort") else inner


def _list(holding: Object, name: str) -> list[object]:
    return cast("list[object] | None", holding.get(name)) or []
