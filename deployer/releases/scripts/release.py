"""The bash functions that roll out, roll back, keep and restore a release."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployer.engine.host_program import call
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.nginx import HASHED
from deployer.site.scripts.proxy import proxy_functions
from deployer.text.shell import lines, sh


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


def services(host: Inventory, images: Mapping[str, str]) -> str:
    """A line for each service, as containers.sh reads them."""
    backend, wallet = host.backend, host.wallet
    check = compose.health_command(backend.port, backend.health_path)
    overlap = "yes" if backend.overlap else "no"
    return "\n".join(
        (
            f"{BACKEND} backend {backend.port} {backend.replicas} {overlap} {images[BACKEND]} {check}",
            f"{WALLET} wallet {wallet.port} 1 yes {images[WALLET]} {compose.health_command(wallet.port, '/')}",
        )
    )


def release_functions(host: Inventory, target: ReleaseTarget, listed: str) -> str:
    """`roll`, `go_back`, `finish`, `record`, and what they call; `listed` are the release's `services`."""
    release = script(
        "releases/scripts/release.sh",
        ROOT=str(host.root),
        STATE=str(host.paths.state),
        REF=target.ref,
        COMMIT=target.commit,
        CONFIGURATION=target.configuration,
        ENVIRONMENT="\n".join(target.environment),
        KEEP=" ".join(target.keep),
        HASHED=HASHED,
        SERVICES=listed,
    )
    roll = script(
        "releases/scripts/roll_out.sh",
        LIMIT=host.releases.healthy_within,
        SETTLE=host.releases.settle,
        BEFORE_SWITCH=_words(host.hooks.before_switch),
        AFTER_SWITCH=_words(host.hooks.after_switch),
        ON_FAILURE=_words(host.hooks.on_failure),
    )
    containers = script("releases/scripts/containers.sh", DRAIN=host.releases.drain + 10)
    before = lines(proxy_functions(host), f'host_program() {{ {call(host)} "$@"; }}')
    gates = lines(script("site/scripts/log_tail.sh"), script("site/scripts/health.sh"))
    return lines(before, gates, release, containers, script("releases/scripts/switch.sh"), roll)


def _words(hook: tuple[str, ...]) -> str:
    return sh(*hook)
