"""A host at one moment, as data: what is running, what is installed, what happened last."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployer.backups.drill import Drill
from deployer.status.last_backup import LastBackup


@dataclass(frozen=True)
class Container:
    """One container; `health` is empty where it has no check, `seconds` is how long it has been running."""

    service: str
    name: str
    state: str
    health: str
    image: str
    seconds: int
    restarts: int
    ports: tuple[str, ...]

    @property
    def is_up(self) -> bool:
        return self.state == "running" and self.health != "unhealthy"


@dataclass(frozen=True)
class Certificate:
    """The one that nginx serves."""

    names: tuple[str, ...]
    days_left: int
    issuer: str


@dataclass(frozen=True)
class Problem:
    """Something that is not as it must be, and the command that looks into it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class State:
    """Sizes in bytes. An empty value is absent, or could not be found out: then `unknown` has the reason."""

    containers: tuple[Container, ...]
    certificate: Certificate | None
    releases: Mapping[str, str]
    disk: Mapping[str, int]
    memory: Mapping[str, int]
    load: str
    firewall: bool
    last_run: Mapping[str, object]
    last_backup: LastBackup | None
    last_drill: Drill | None
    lock: str
    maintenance: str
    unknown: Mapping[str, str]
    down: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
