"""The images of a release: their names, which say what they are made from, and those that the host has."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from deployer.engine.facts import Ask, Facts
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_api
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.rendering import render
from deployer.text.shell import quote

SERVICES = (BACKEND, WALLET)
"""Those whose images are the application's own."""


def tags(host: Inventory, commit: str) -> Mapping[str, str]:
    """For each service the name of the image of this commit, built with the settings of the inventory."""
    return {
        service: f"{compose.image(host, service)}:{commit[:12] or 'none'}-{inputs(host, service)}"
        for service in SERVICES
    }


def present(facts: Facts) -> Mapping[str, str]:
    """The host's images of this application, from the answer to `ask_images`: their ids by name."""
    return dict(line.split(" ") for line in facts.lines("images"))


def missing(host: Inventory, facts: Facts) -> tuple[str, ...]:
    """The services whose image the host lacks."""
    there = present(facts)
    return tuple(service for service, tag in tags(host, facts["commit"]).items() if tag not in there)


def inputs(host: Inventory, service: str) -> str:
    """A digest of all that an image is made from besides the commit; where it is built makes no difference."""
    made_from = list(_pulled(host, service) if host.build.where == "registry" else _built(host, service))
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, default=str).encode()).hexdigest()[:8]


def reference(host: Inventory, service: str, commit: str) -> str:
    """What is pulled: the digest where one is given, else the tag, by default the complete commit id."""
    name, _, digest = settings_of(host, service)["image"].partition("@")
    path, _, last = name.rpartition("/")
    short, _, tag = last.partition(":")
    plain = f"{path}/{short}" if path else short
    return f"{plain}@{digest}" if digest else f"{plain}:{tag or commit}"


def _pulled(host: Inventory, service: str) -> Iterator[object]:
    yield from ("registry", settings_of(host, service)["image"])
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


def settings_of(host: Inventory, service: str) -> Mapping[str, str]:
    """`image`, `context` and `dockerfile` of a service."""
    settings = host.backend if service == BACKEND else host.wallet
    return {"image": settings.image, "context": settings.context, "dockerfile": settings.dockerfile}


def ask_images(host: Inventory) -> Ask:
    """The host's images of this application: a line with name and id for each."""
    names = [compose.image(host, service) for service in SERVICES]
    filters = " ".join(f"--filter reference={quote(name + ':*')}" for name in names)
    text = f"docker image ls --no-trunc --format '{{{{.Repository}}}}:{{{{.Tag}}}} {{{{.ID}}}}' {filters}"
    return ask_api(host, "images", *names, otherwise=text)
