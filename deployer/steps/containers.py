"""7.4 Start: backend and wallet, each brought up beside what runs, gated on health, and switched to by the proxy."""

from collections.abc import Iterator, Sequence

from deployer import compose, scripts
from deployer.changes import Change, Run
from deployer.compose import BACKEND, WALLET, config_digests
from deployer.docker import ask_docker
from deployer.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.remote.scripts import script
from deployer.running import Container, ask_containers, containers
from deployer.shell import lines, quote, sh
from deployer.step import Plan
from deployer.steps import images
from deployer.steps.nginx import first_upstreams

TITLE = "7.4 Start containers"

HEALTH_LIMIT = 120
"""Seconds a new container has to become healthy; one that ends or restarts fails at once."""


def probes(host: Inventory) -> Probes:
    upstreams = quote(first_upstreams(host).path)
    return {
        **images.probes(host),
        "containers": ask_containers(host),
        "image ids": ask_docker(_image_ids(host)),
        "chosen": Ask(f"[ ! -e {upstreams} ] || sed -n 's/^ *server \\([^:]*\\):.*/\\1/p' {upstreams}"),
        "user": Ask(f"cat {quote(host.paths.state / 'backend.user')} 2>/dev/null || true"),
        "owners": Ask(f"stat -c %u:%g {quote(host.paths.logs)} {quote(host.paths.data)} 2>/dev/null || true"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    rebuilt = tuple(images.outdated(host, facts))
    if BACKEND in rebuilt or not _owned(facts):
        yield _own(host)
    for service in (BACKEND, WALLET):
        yield from _service(host, facts, service, rebuilt=service in rebuilt)


def _service(host: Inventory, facts: Facts, service: str, *, rebuilt: bool) -> Iterator[Change]:
    found = tuple(item for item in containers(facts["containers"]) if item.service == service)
    good = () if rebuilt else tuple(item for item in found if _as_wanted(host, facts, item))
    replicas = host.backend.replicas if service == BACKEND else 1
    if len(good) == replicas == len(found):
        return
    if not any(item.state == "running" for item in found):
        yield _roll(host, f"start {service} and wait until it is healthy", service, replicas)
    else:
        yield _roll(host, f"replace {service} ({_reason(found, good, rebuilt)}) with no gap", service, replicas)


def _as_wanted(host: Inventory, facts: Facts, item: Container) -> bool:
    image_ids = facts.pairs("image ids")
    return (
        item.state == "running"
        and item.health != "unhealthy"
        and item.config == config_digests(host)[item.service]
        and item.image == image_ids.get(item.service)
        and item.name in facts.lines("chosen")
    )


def _reason(found: Sequence[Container], good: Sequence[Container], rebuilt: bool) -> str:
    if rebuilt:
        return "its image is built anew"
    wrong = [item for item in found if item not in good]
    if any(item.health == "unhealthy" for item in wrong):
        return "it is unhealthy"
    return "its settings or its number changed"


def _owned(facts: Facts) -> bool:
    known = dict(line.split(" ") for line in facts.lines("user"))
    wanted = known.get(facts.pairs("image ids").get(BACKEND, ""), "")
    return bool(wanted) and facts.lines("owners") == (wanted, wanted)


def _image_ids(host: Inventory) -> str:
    names = ((service, f"{compose.image(host, service)}:current") for service in (BACKEND, WALLET))
    return lines(
        *(f"echo {service}=$(docker image ls -q --no-trunc {quote(name)})" for service, name in names),
        "docker version >/dev/null",
    )


def _own(host: Inventory) -> Run:
    own = f"own_directories {compose.image(host, BACKEND)}:current {sh(host.paths.logs, host.paths.data)}"
    why = f"give {host.paths.logs} and {host.paths.data} to the user of the backend's image"
    return Run(why, lines(_functions(host, BACKEND, 1), own))


def _roll(host: Inventory, why: str, service: str, replicas: int) -> Run:
    return Run(why, lines(_functions(host, service, replicas), "roll"), within=HEALTH_LIMIT * replicas + 300)


def _functions(host: Inventory, service: str, replicas: int) -> str:
    port, path = (host.backend.port, host.backend.health_path) if service == BACKEND else (host.wallet.port, "/")
    roll = script(
        "roll.sh",
        ROOT=str(host.root),
        SERVICE=service,
        UPSTREAM="backend" if service == BACKEND else "wallet",
        PORT=port,
        CHECK=compose.health_command(port, path),
        REPLICAS=replicas,
        LIMIT=HEALTH_LIMIT,
    )
    return lines(scripts.proxy_functions(host), roll)
