"""The containers of the application: as Docker reports them, and how they differ from what they should be."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from deployer.engine.facts import Ask, Facts
from deployer.engine.host_program import NOT_IN_PLACE
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_api
from deployer.site import compose
from deployer.site.comparison import differences
from deployer.site.compose import CONFIG_LABEL
from deployer.site.inspected import Inspected, Surroundings, a_text, an_object
from deployer.text.shell import quote


@dataclass(frozen=True)
class Container:
    """One container; `health` is empty where the service has no check, `image` is the image's id.

    `config` is the digest of the settings that it was made for. `differences` are those that it runs with all the
    same, each to follow "NAME runs".
    """

    service: str
    name: str
    state: str
    health: str
    config: str
    image: str
    differences: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    """The names of its environment."""

    @property
    def as_it_runs(self) -> str:
        """For people: NAME runs privileged, as root."""
        return f"{self.name} runs {', '.join(self.differences)}"


def ask_containers(host: Inventory) -> Ask:
    """Unknown where there are containers and the host program is not there yet, or is one without this question."""
    return ask_api(host, "containers", otherwise=_none(host))


def ask_loaded(host: Inventory) -> Ask:
    """Whether the running proxy has read its `configuration` and its `certificate` on disk: see `is_loaded`."""
    return ask_api(host, "loaded", otherwise=_none(host))


def _none(host: Inventory) -> str:
    """Without the host program it is known of containers only that there are none."""
    label = quote(f"label=com.docker.compose.project={host.name}")
    return f'ids=$(docker ps -aq --filter {label}) || exit 3\n[ -n "$ids" ] || exit 0\n{NOT_IN_PLACE}'


def is_loaded(facts: Facts, what: str) -> bool:
    """From the fact `loaded`; True where no proxy runs. Raises Unknown."""
    return facts.pairs("loaded").get(what, "loaded") == "loaded"


def is_running(found: Iterable[Container], service: str) -> bool:
    return any(item.service == service and item.state == "running" for item in found)


def containers(host: Inventory, answer: str, renewed: Collection[str] = ()) -> tuple[Container, ...]:
    """From the answer to `ask_containers`. `renewed` are the secrets that .env gets in this run."""
    return tuple(_containers(host, answer, renewed))


def _containers(host: Inventory, answer: str, renewed: Collection[str]) -> Iterator[Container]:
    lines = [json.loads(line) for line in answer.splitlines()]
    surroundings = next((Surroundings.of(line) for line in lines if "images" in line), Surroundings())
    services = compose.services(host)
    for raw in (line for line in lines if "images" not in line):
        item = Inspected(raw, surroundings)
        labels = an_object(item.settings, "Labels")
        service = a_text(labels, "com.docker.compose.service")
        wanted = services.get(service)
        yield Container(
            service,
            a_text(item.raw, "Name").lstrip("/"),
            a_text(item.raw, "State", "Status"),
            _health(item),
            a_text(labels, CONFIG_LABEL),
            a_text(item.raw, "Image"),
            tuple(differences(host, service, wanted, item, renewed)) if wanted else (),
            tuple(item.environment),
        )


def _health(item: Inspected) -> str:
    """Docker reports a container as unhealthy that was just paused (for a backup), until its next check."""
    health = an_object(item.raw, "State", "Health")
    status = a_text(health, "Status")
    return "healthy" if status == "unhealthy" and not health.get("FailingStreak") else status
