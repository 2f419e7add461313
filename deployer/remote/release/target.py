"""The release that is rolled out, as the run that wants it describes it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from deployer.remote.failure import NotUnderstood
from deployer.remote.release import service
from deployer.remote.release.service import Service

WALLET = "demo-wallet"


@dataclass(frozen=True)
class Target:
    """`environment` are the lines of .env, with [secret] in place of each secret; `keep` the ids of former releases."""

    commit: str
    ref: str
    configuration: str
    environment: tuple[str, ...]
    keep: tuple[str, ...]
    services: tuple[Service, ...]

    @property
    def wallet(self) -> Service | None:
        return next((each for each in self.services if each.name == WALLET), None)

    def named(self, names: Sequence[str]) -> tuple[Service, ...]:
        """These of its services, in their order."""
        return tuple(each for each in self.services if each.name in names)


def parsed(text: str) -> Target:
    """From JSON. Raises Failure where it is not one of this version."""
    try:
        given = json.loads(text)
        return Target(
            str(given["commit"]),
            str(given["ref"]),
            str(given["configuration"]),
            tuple(map(str, given["environment"])),
            tuple(map(str, given["keep"])),
            service.parsed(str(given["services"])),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NotUnderstood(
            f"the release to roll out is not described as this host program expects: {error}"
        ) from error
