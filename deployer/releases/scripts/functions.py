"""The host-side functions that a release is rolled out, gone back from, kept and restored with."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.nginx import HASHED
from deployer.site.scripts import functions as scripts
from deployer.text.shell import lines, sh


@dataclass(frozen=True)
class ReleaseTarget:
    """Where a release goes to: `images` are names by service, `environment` has [secret] for each secret.

    `keep` are the releases that stay besides the new one.
    """

    commit: str
    ref: str
    configuration: str
    images: Mapping[str, str]
    environment: tuple[str, ...]
    keep: tuple[str, ...]


def services(host: Inventory, images: Mapping[str, str]) -> str:
    """A line for each service, as roll.sh reads them."""
    backend, wallet = host.backend, host.wallet
    check = compose.health_command(backend.port, backend.health_path)
    overlap = "yes" if backend.overlap else "no"
    return "\n".join(
        (
            f"{BACKEND} backend {backend.port} {backend.replicas} {overlap} {images[BACKEND]} {check}",
            f"{WALLET} wallet {wallet.port} 1 yes {images[WALLET]} {compose.health_command(wallet.port, '/')}",
        )
    )


def release_functions(host: Inventory, going: ReleaseTarget, told: str) -> str:
    """roll, go_back, finish, record and what they need; `told` are the release's `services`, as it has or had them."""
    release = script(
        "releases/scripts/release.sh",
        ROOT=str(host.root),
        STATE=str(host.paths.state),
        ENV_FILE=str(host.paths.env),
        REF=going.ref,
        COMMIT=going.commit,
        CONFIGURATION=going.configuration,
        ENVIRONMENT="\n".join(going.environment),
        KEEP=" ".join(going.keep),
        HASHED=HASHED,
        SERVICES=told,
    )
    roll = script(
        "releases/scripts/roll_out.sh",
        LIMIT=host.releases.healthy_within,
        SETTLE=host.releases.settle,
        DRAIN=host.releases.drain + 10,
        BEFORE_SWITCH=_words(host.hooks.before_switch),
        AFTER_SWITCH=_words(host.hooks.after_switch),
        ON_FAILURE=_words(host.hooks.on_failure),
    )
    gates = lines(script("site/scripts/log_tail.sh"), script("site/scripts/health.sh"))
    env = lines(script("engine/mask.sh"), script("site/scripts/write_env.sh"))
    return lines(scripts.proxy_functions(host), env, gates, release, roll)


def _words(hook: tuple[str, ...]) -> str:
    return sh(*hook)
