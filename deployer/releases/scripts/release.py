"""The bash functions that roll out, roll back, keep and restore a release."""

from deployer.engine.host_program import call
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.releases.calls import ReleaseTarget
from deployer.remote.release.hashed import HASHED
from deployer.site.scripts.proxy import proxy_functions
from deployer.text.shell import lines, sh


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
