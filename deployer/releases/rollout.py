"""The roll-out of a release as changes, which `provision`, `update` and `rollback` share."""

from collections.abc import Iterator, Mapping, Sequence

from deployer.engine.changes import Change, OutsideCheck, Script
from deployer.releases.calls import ReleaseCalls
from deployer.releases.serving import Serving, current_of
from deployer.site.compose import BACKEND
from deployer.site.containers import Container
from deployer.text.shell import lines, sh

FINISHING = 900
"""Seconds for the requests that old containers have in flight (`releases.drain`, at most 600), and their stop."""

SWITCHING = 2400
"""Seconds of a roll-out besides its health gate: creating, hooks, switching, and rolling back."""


def check_and_finish(calls: ReleaseCalls) -> Iterator[Change]:
    """The end of a roll-out where something served before: check from outside or roll back, then stop the old ones."""
    back = calls("go-back", "the site got worse, seen from outside")
    yield OutsideCheck("check the site; roll back if it got worse", back, within=FINISHING)
    why = "stop the old containers once they have answered their last request"
    yield Script(why, calls("finish"), within=FINISHING)


def roll_out(serving: Serving, calls: ReleaseCalls) -> Iterator[Change]:
    """New containers for the outdated services; without any, what an interrupted run left is removed."""
    services = serving.outdated
    if not services:
        yield from _remove_left_over(serving, calls)
        return
    why = "; ".join(_why(serving, service) for service in services)
    limit = sum(serving.replicas(service) for service in services) * serving.host.releases.healthy_within + SWITCHING
    action = "roll-again" if serving.is_recorded else "roll"
    yield Script(why, calls(action, *services), within=limit)
    if any(serving.running(service) for service in services):
        yield from check_and_finish(calls)


def record(serving: Serving, calls: ReleaseCalls) -> Iterator[Change]:
    """Tag the images as current, and record the release where it is another than the last one."""
    services = serving.outdated
    yield from _tag_current({name: tag for name, tag in serving.untagged.items() if name not in services})
    if not serving.is_recorded:
        action = "record" if services else "record-anew"  # a roll-out keeps the wallet's files before its switch
        yield Script("record the release, and remove those beyond releases.retain", calls(action))
    elif serving.is_half_recorded and not services:
        yield Script("remove the files of a release that was interrupted", calls.without_target("forget"))


def clear_assets(serving: Serving, calls: ReleaseCalls) -> Iterator[Change]:
    """Links and devices of an image among the files that the proxy publishes: an older version kept them."""
    planted = serving.facts.lines("planted")
    if planted:
        why = f"remove what is no file from the wallet's files that the proxy publishes: {', '.join(planted)}"
        yield Script(why, calls.without_target("clear-assets"))


def own_directories(serving: Serving, calls: ReleaseCalls) -> Iterator[Change]:
    """logs/ and data/ for the user of the backend's image."""
    if not serving.owns_directories:
        paths = serving.host.paths
        why = f"make the user of the backend's image the owner of {paths.logs} and {paths.data}"
        yield Script(why, calls.without_target("own", serving.tags[BACKEND]))


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


def _remove_left_over(serving: Serving, calls: ReleaseCalls) -> Iterator[Change]:
    left = serving.left_over
    if left:
        why = f"remove containers that an earlier run left: {', '.join(left)}"
        yield Script(why, calls("finish"), within=FINISHING)


def _tag_current(wanted: Mapping[str, str]) -> Iterator[Change]:
    if wanted:
        tagged = (sh("docker", "tag", tag, current_of(tag)) for tag in wanted.values())
        yield Script("tag the serving images as `current`", lines(*tagged))
