"""What serves on a host, compared with the release that the inventory and the commit ask for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from deployer.engine.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.releases.history import History, ask_history, history
from deployer.releases.images import SERVICES, present, tags
from deployer.site import compose
from deployer.site.compose import BACKEND, config_digests
from deployer.site.containers import Container, ask_containers, containers
from deployer.site.env import lines
from deployer.site.nginx import nginx_conf, site_conf, upstreams_path
from deployer.text.shell import quote


def probes_of_serving(host: Inventory) -> Probes:
    """What `Serving` reads, besides `commit` and `images`."""
    upstreams, assets = quote(upstreams_path(host)), quote(host.paths.nginx / "assets")
    return {
        "containers": ask_containers(host),
        "chosen": Ask(f"[ ! -e {upstreams} ] || sed -n 's/^ *server \\([^:]*\\):.*/\\1/p' {upstreams}"),
        "user": Ask(f"cat {quote(host.paths.state / 'backend.user')} 2>/dev/null || true"),
        "owners": Ask(f"stat -c %u:%g {quote(host.paths.logs)} {quote(host.paths.data)} 2>/dev/null || true"),
        "begun": Ask(f"[ ! -e {quote(host.paths.releases / '.next')} ] || echo yes"),
        "planted": Ask(f"[ ! -d {assets} ] || find {assets} ! -type f ! -type d | sed -n 1,5p"),
        "history": ask_history(host),
    }


def configuration(host: Inventory) -> str:
    """A digest of a release's configuration: its files that the tool owns, and .env without secrets."""
    texts = (compose.text(host), nginx_conf(host), site_conf(host), *lines(host))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Serving:
    """`renewed` are the secrets that .env gets in the same run."""

    host: Inventory
    facts: Facts
    renewed: frozenset[str] = frozenset()

    @cached_property
    def tags(self) -> Mapping[str, str]:
        return tags(self.host, self.facts["commit"])

    @cached_property
    def found(self) -> tuple[Container, ...]:
        """All containers of the application."""
        return containers(self.host, self.facts["containers"], self.renewed)

    @cached_property
    def up_to_date(self) -> Mapping[str, tuple[Container, ...]]:
        """For each service those that serve as they should."""
        return {
            service: tuple(item for item in self.running(service) if not self._is_outdated(item))
            for service in SERVICES
        }

    @property
    def outdated(self) -> tuple[str, ...]:
        """The services of which another number of containers is up to date than there should be."""
        return tuple(service for service in SERVICES if len(self.up_to_date[service]) != self.replicas(service))

    def replicas(self, service: str) -> int:
        return self.host.backend.replicas if service == BACKEND else 1

    def running(self, service: str) -> tuple[Container, ...]:
        """Those that serve: running, and named in the proxy's upstream file."""
        named = self.facts.lines("chosen")
        return tuple(
            item for item in self.found if item.service == service and item.state == "running" and item.name in named
        )

    def has_other_image(self, item: Container) -> bool:
        return item.image != present(self.facts).get(self.tags[item.service], "")

    def has_other_settings(self, item: Container) -> bool:
        """Those that it was made for are not those of today; it may run with others all the same."""
        return item.config != config_digests(self.host)[item.service]

    def _is_outdated(self, item: Container) -> bool:
        differs = self.has_other_image(item) or self.has_other_settings(item) or bool(item.differences)
        return differs or item.health == "unhealthy"

    @property
    def left_over(self) -> tuple[str, ...]:
        """Containers that do not serve as they should."""
        good = self.up_to_date
        return tuple(item.name for item in self.found if item.service in good and item not in good[item.service])

    @property
    def owns_directories(self) -> bool:
        """Whether logs/ and data/ belong to the user of the backend's image."""
        users = dict(line.split(" ") for line in self.facts.lines("user"))
        wanted = users.get(present(self.facts).get(self.tags[BACKEND], ""), "")
        return bool(wanted) and self.facts.lines("owners") == (wanted, wanted)

    @cached_property
    def history(self) -> History:
        return history(self.facts["history"])

    @property
    def is_recorded(self) -> bool:
        """Whether the last release of the log is this one."""
        last = self.history.current
        wanted = (self.facts["commit"], configuration(self.host), self.tags)
        return last is not None and (last.commit, last.configuration, dict(last.tags)) == wanted

    @property
    def is_half_recorded(self) -> bool:
        """Whether an interrupted run left files of a release that it did not record."""
        return bool(self.facts["begun"])

    @property
    def untagged(self) -> Mapping[str, str]:
        """For each service whose image is not `current`: its name."""
        there = present(self.facts)
        return {service: tag for service, tag in self.tags.items() if there.get(tag) != there.get(current_of(tag))}


def current_of(tag: str) -> str:
    """The name that the image of the serving release has as well; docker-compose.yml names it."""
    return f"{tag.partition(':')[0]}:current"
