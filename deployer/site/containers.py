"""The containers of the application as Docker reports them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deployer.engine.facts import Ask, Facts
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker
from deployer.site.compose import CONFIG_LABEL
from deployer.text.shell import quote

_SHAPE = "|".join(
    (
        '{{index .Config.Labels "com.docker.compose.service"}}',
        "{{.Name}}",
        "{{.State.Status}}",
        # Docker reports a container as unhealthy that was just paused (for a backup), until its next check.
        '{{with .State.Health}}{{if and (eq .Status "unhealthy") (eq .FailingStreak 0)}}healthy'
        "{{else}}{{.Status}}{{end}}{{end}}",
        f'{{{{index .Config.Labels "{CONFIG_LABEL}"}}}}',
        "{{.Image}}",
    )
)


@dataclass(frozen=True)
class Container:
    """One container; `health` is empty where the service has no check, `image` is the image's id."""

    service: str
    name: str
    state: str
    health: str
    config: str
    image: str


def ask_containers(host: Inventory) -> Ask:
    label = quote(f"label=com.docker.compose.project={host.name}")
    listed = f"ids=$(docker ps -aq --filter {label}) || exit 3"
    return ask_docker(f'{listed}\n[ -z "$ids" ] || docker inspect --format {quote(_SHAPE)} $ids')


def ask_loaded(host: Inventory) -> Ask:
    """Whether the running proxy has read its `configuration` and its `certificate` on disk: see `is_loaded`."""
    return Ask(script("site/scripts/proxy_loaded.sh", NAME=host.name, NGINX=str(host.paths.nginx)))


def is_loaded(facts: Facts, what: str) -> bool:
    """From the fact `loaded`; True where no proxy runs. Raises Unknown."""
    return facts.pairs("loaded").get(what, "loaded") == "loaded"


def is_running(found: Iterable[Container], service: str) -> bool:
    return any(item.service == service and item.state == "running" for item in found)


def containers(answer: str) -> tuple[Container, ...]:
    return tuple(_parsed(answer))


def _parsed(answer: str) -> Iterator[Container]:
    for line in answer.splitlines():
        service, name, state, health, config, image = line.split("|")
        yield Container(service, name.lstrip("/"), state, health, config, image)
