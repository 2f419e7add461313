"""What is wrong with a host's state, and the command that looks into it."""

from collections.abc import Iterator

from deployer.inventory.model import Inventory
from deployer.site.compose import BACKEND, DATABASE, PROXY, WALLET
from deployer.status.state import Container, Problem, State


def down(host: Inventory, found: State) -> Iterator[Problem]:
    """What must be up and is not."""
    name = host.host_name
    if "containers" in found.unknown:
        yield Problem(f"Docker does not answer: {found.unknown['containers']}", f"deployer provision --host {name}")
        return
    if not found.containers:
        yield Problem("nothing is deployed here yet", f"deployer provision --host {name}")
        return
    wanted = {BACKEND: host.backend.replicas, WALLET: 1, PROXY: 1, **({DATABASE: 1} if host.postgres.enabled else {})}
    for service, number in wanted.items():
        containers = tuple(item for item in found.containers if item.service == service)
        yield from _down_of_service(name, service, number, containers)
    if found.certificate is None:
        yield Problem("no certificate is installed", f"deployer provision --host {name}")
    elif found.certificate.days_left < 0:
        yield Problem("the certificate has expired", f"deployer renew --host {name}")


def _down_of_service(host: str, service: str, number: int, found: tuple[Container, ...]) -> Iterator[Problem]:
    for item in found:
        if not item.is_up:
            yield Problem(
                f"{item.name} is {item.health if item.state == 'running' else item.state}",
                f"deployer logs {service} --host {host}",
            )
    if not found:
        yield Problem(f"{service} is not running", f"deployer provision --host {host}")
    elif len(found) < number:
        yield Problem(f"{service}: {len(found)} of {number} containers exist", f"deployer provision --host {host}")


def warnings(host: Inventory, found: State, now: int) -> Iterator[Problem]:
    """What needs attention though everything is up; `now` in seconds since 1970."""
    if found.last_drill and (wrong := found.last_drill.warning(now)):
        yield Problem(wrong, f"deployer drill --host {host.host_name} -v")
