"""What the host program is called with for a release: the release itself, and one of its actions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deployer.engine.host_program import run
from deployer.inventory.model import Inventory
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET


@dataclass(frozen=True)
class ReleaseTarget:
    """The release to roll out: `images` are names by service, `environment` has [secret] for each secret.

    `keep` are the ids of the former releases that are retained.
    """

    commit: str
    ref: str
    configuration: str
    images: Mapping[str, str]
    environment: tuple[str, ...]
    keep: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseCalls:
    """Commands for a release whose services are these lines (see deployer/remote/release/service.py)."""

    host: Inventory
    target: ReleaseTarget
    services: str

    def __call__(self, action: str, *words: str) -> str:
        """The command of an action that is about this release."""
        return run(self.host, "release", action, self._described, *words)

    def without_target(self, action: str, *words: str) -> str:
        """The command of an action that is about no release, or about one that is kept, by its id."""
        return run(self.host, "release", action, *words)

    @property
    def _described(self) -> str:
        target = self.target
        described = {
            "commit": target.commit,
            "ref": target.ref,
            "configuration": target.configuration,
            "environment": target.environment,
            "keep": target.keep,
            "services": self.services,
        }
        return json.dumps(described)


def services(host: Inventory, images: Mapping[str, str]) -> str:
    """A line for each service, as a release records them."""
    backend, wallet = host.backend, host.wallet
    check = compose.health_command(backend.port, backend.health_path)
    overlap = "yes" if backend.overlap else "no"
    return "\n".join(
        (
            f"{BACKEND} backend {backend.port} {backend.replicas} {overlap} {images[BACKEND]} {check}",
            f"{WALLET} wallet {wallet.port} 1 yes {images[WALLET]} {compose.health_command(wallet.port, '/')}",
        )
    )
