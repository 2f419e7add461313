"""The roll-out of a release as changes, which `provision`, `update` and `rollback` share."""

from collections.abc import Iterator, Mapping, Sequence

from deployer.engine.changes import Change, OutsideCheck, Script
from deployer.releases.serving import Serving, current_of
from deployer.site.compose import BACKEND
from deployer.site.containers import Container
from deployer.text.shell import lines, quote, sh

FINISHING = 900
"""Seconds for the requests that old containers have in flight (`releases.drain`, at most 600), and their stop."""

SWITCHING = 2400
"""Seconds of a roll-out besides its health gate: creating, hooks, switching, and rolling back."""


def check_and_finish(functions: str) -> Iterator[Change]:
    """The end of a roll-out where something served before: check from outside or roll back, then stop the old ones."""
    back = lines(functions, "go_back 'the site got worse, seen from outside'")
    yield OutsideCheck("check the site; roll back if it got worse", back, within=FINISHING)
    why = "stop the old containers once they have answered their last request"
    yield Script(why, lines(functions, "finish"), within=FINISHING)


def roll_out(serving: Serving, functions: str) -> Iterator[Change]:
    """New containers for the outdated services; without any, what an interrupted run left is removed."""
    services = serving.outdated
    if not services:
        yield from _remove_left_over(serving, functions)
        return
    why = "; ".join(_why(serving, service) for service in services)
    limit = sum(serving.replicas(service) for service in services) * serving.host.releases.healthy_within + SWITCHING
    unrecorded = ("forget_next",) if serving.is_recorded else ()  # new containers of a release that is recorded already
    yield Script(why, lines(functions, f"roll {quote(' '.join(services))}", *unrecorded), within=limit)
    if any(serving.running(service) for service in services):
        yield from check_and_finish(functions)


def record(serving: Serving, functions: str) -> Iterator[Change]:
    """Tag the images as current, and record the release where it is another than the last one."""
    services = serving.outdated
    yield from _tag_current({name: tag for name, tag in serving.untagged.items() if name not in services})
    if not serving.is_recorded:
        begin = () if services else ("keep_assets",)  # a roll-out does that itself, before the switch
        yield Script("record the release, and remove those beyond releases.retain", lines(functions, *begin, "record"))
    elif serving.is_half_recorded and not services:
        yield Script("remove the files of a release that was interrupted", lines(functions, "forget_next"))


def clear_assets(serving: Serving, functions: str) -> Iterator[Change]:
    """Links and devices of an image among the files that the proxy publishes: an older version kept them."""
    planted = serving.facts.lines("planted")
    if planted:
        paths = serving.host.paths
        clear = f"plain_files_only {sh(paths.nginx / 'assets')} {sh(paths.releases)}/*/assets"
        why = f"remove what is no file from the wallet's files that the proxy publishes: {', '.join(planted)}"
        yield Script(why, lines(functions, clear))


def own_directories(serving: Serving, functions: str) -> Iterator[Change]:
    """logs/ and data/ for the user of the backend's image."""
    if not serving.owns_directories:
        paths = serving.host.paths
        own = f"own_directories {quote(serving.tags[BACKEND])} {sh(paths.logs, paths.data)}"
        why = f"make the user of the backend's image the owner of {paths.logs} and {paths.data}"
        yield Script(why, lines(functions, own))


def _why(serving: Serving, service: str) -> str:
    running = serving.running(service)
    if not running:
        return f"start {service} and wait until it is healthy"
    what = _action(serving, service, running)
    if serving.host.backend.overlap or service != BACKEND:
        return f"{what} without downtime"
    return f"{what} with downtime, since backend.overlap = false"


def _action(serving: Serving, service: str, running: Sequence[Container]) -> str:
    if any(serving.has_other_image(item) for item in running):
        return f"roll out the new {service} image"
    if any(item.health == "unhealthy" for item in running):
        return f"replace the unhealthy {service}"
    changed = [item.as_it_runs for item in running if item.differences and not serving.has_other_settings(item)]
    if changed:
        return f"replace {service}, since {'; '.join(changed)},"
    return f"roll out {service} with other settings or another number of containers"


def _remove_left_over(serving: Serving, functions: str) -> Iterator[Change]:
    left = serving.left_over
    if left:
        why = f"remove containers that an earlier run left: {', '.join(left)}"
        yield Script(why, lines(functions, "finish"), within=FINISHING)


def _tag_current(wanted: Mapping[str, str]) -> Iterator[Change]:
    if wanted:
        tagged = (sh("docker", "tag", tag, current_of(tag)) for tag in wanted.values())
        yield Script("tag the serving images as `current`", lines(*tagged))
