"""Docker's description of a container, in a form that two versions of Docker give alike.

What is absent, null, empty, 0 or false means the same: versions differ in which of these they report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

Object = Mapping[str, object]


def inside(holding: object, *names: str) -> object:
    """What has these names, one inside the other; None where one of them is absent."""
    for name in names:
        holding = holding.get(name) if isinstance(holding, Mapping) else None
    return holding or None


def an_object(holding: object, *names: str) -> Object:
    found = inside(holding, *names)
    return cast("Object", found) if isinstance(found, Mapping) else {}


def a_list(holding: object, *names: str) -> tuple[object, ...]:
    found = inside(holding, *names)
    return tuple(found) if isinstance(found, list | tuple) else ()


def words(holding: object, *names: str) -> tuple[str, ...]:
    return tuple(str(word) for word in a_list(holding, *names))


def a_text(holding: object, *names: str) -> str:
    found = inside(holding, *names)
    return str(found) if found is not None else ""


def number(holding: object, *names: str) -> int:
    found = inside(holding, *names)
    return found if isinstance(found, int) else 0


@dataclass(frozen=True)
class Surroundings:
    """What containers are compared with on their host: see deployer/remote/containers.py."""

    images: Object = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    injected: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Object) -> "Surroundings":
        environment = {name: str(digest) for name, digest in an_object(answer, "environment").items()}
        return cls(an_object(answer, "images"), environment, words(answer, "injected"), words(answer, "limits"))


@dataclass(frozen=True)
class Inspected:
    """One container: `raw` as `docker inspect` reports it, with digests in place of values of environment."""

    raw: Object
    surroundings: Surroundings

    @property
    def settings(self) -> Object:
        return an_object(self.raw, "Config")

    @property
    def limits(self) -> Object:
        """Docker's HostConfig: privileges, limits, mounts, ports."""
        return an_object(self.raw, "HostConfig")

    @property
    def defaults(self) -> Object | None:
        """The configuration of its image; None where the image is gone."""
        found = inside(self.surroundings.images, a_text(self.raw, "Image"))
        return cast("Object | None", found)

    @property
    def environment(self) -> Mapping[str, str]:
        return {name: str(digest) for name, digest in an_object(self.settings, "Env").items()}

    @property
    def networks(self) -> Object:
        return an_object(self.raw, "NetworkSettings", "Networks")

    @property
    def mounts(self) -> tuple[Object, ...]:
        """Without the volumes that Docker makes where the image declares some."""
        declared = an_object(self.defaults, "Volumes")
        mounts = (item for item in a_list(self.raw, "Mounts") if isinstance(item, Mapping))
        return tuple(item for item in mounts if item.get("Type") != "volume" or item.get("Destination") not in declared)


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
