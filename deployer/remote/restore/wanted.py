"""What is restored, as the run that wants it describes it: a backup, its parts, the services to start on them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from deployer.remote.backup.parts import PARTS, Part
from deployer.remote.backup.tree import Item
from deployer.remote.docker import BACKEND
from deployer.remote.failure import Failure, NotUnderstood
from deployer.remote.host import Host
from deployer.remote.release import kept, log, service
from deployer.remote.release.service import Service


@dataclass(frozen=True)
class Wanted:
    """`kinds` are keys of PARTS; `services` are lines with the images of the backup; `fallback` images by service.

    The services are the inventory's: a backup may have been brought from elsewhere, so it is data, and does not say how
    its application is run.
    """

    backup: str
    kinds: tuple[str, ...]
    services: str
    fallback: Mapping[str, str]

    def parts(self, host: Host) -> tuple[Part, ...]:
        return tuple(made(host) for kind, made in PARTS.items() if kind in self.kinds)

    def items(self, host: Host) -> tuple[Item, ...]:
        """The files and directories that are swapped. What the tool writes by the inventory stays the host's own."""
        own = {*kept.configuration(host).values(), host.config.state / "audit.jsonl"}
        found = (item for part in self.parts(host) for item in part.items)
        return tuple(item for item in found if item.base / item.path not in own)

    def to_start(self, host: Host) -> tuple[Service, ...]:
        """Without the configuration only the backend of the present release, if it has other data then.

        Raises Failure where the release is not known.
        """
        if "config" in self.kinds:
            return service.parsed(self.services)
        if not {"data", "database"} & set(self.kinds):
            return ()
        release = log.current(host)
        services = kept.services(host, release)
        if not services:
            raise Failure(f"the services of the present release {release} are not known: run `deployer provision`")
        return tuple(each for each in services if each.name == BACKEND)

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))


def parsed(text: str) -> Wanted:
    """From JSON. Raises Failure where it is not one of this version."""
    try:
        given = json.loads(text)
        kinds = tuple(map(str, given["kinds"]))
        if not set(kinds) <= set(PARTS):
            raise ValueError(f"no such part: {kinds}")
        return Wanted(str(given["backup"]), kinds, str(given["services"]), dict(given["fallback"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NotUnderstood(f"what to restore is not described as this host program expects: {error}") from error
