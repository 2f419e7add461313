"""A roll-out: new containers alongside the old ones, gates, the proxy's switch, then the end of the old ones.

What fails before the switch removes the new containers and leaves the old ones serving; running it again continues.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from deployer.remote import output, proxy, signals
from deployer.remote.docker import BACKEND
from deployer.remote.failure import Failure, of_the_disk
from deployer.remote.host import Host
from deployer.remote.release import assets, health, running, way_back
from deployer.remote.release.hooks import run_hook
from deployer.remote.release.parts import Parts
from deployer.remote.release.service import Service
from deployer.remote.release.switch import Containers, switch
from deployer.remote.release.target import Target
from deployer.remote.release.way_back import Refused
from deployer.remote.stopping_points import reached


@dataclass
class RollOut:
    """One roll-out of some of a release's services. `new` and `former` are containers by service."""

    host: Host
    target: Target
    services: tuple[Service, ...]
    parts: Parts = field(default_factory=Parts)
    present: dict[Service, tuple[str, ...]] = field(default_factory=dict)
    """All that there are before it begins; what is not among them later is new."""
    former: dict[Service, tuple[str, ...]] = field(default_factory=dict)

    @property
    def new(self) -> Containers:
        return {
            service: tuple(name for name in running.of_service(self.host, service) if name not in self.present[service])
            for service in self.services
            if service in self.present
        }

    @property
    def new_names(self) -> tuple[str, ...]:
        return tuple(name for names in self.new.values() for name in names)

    @property
    def backend(self) -> str:
        """The container in which hooks run: a new one, or the one that serves where none is new."""
        backends = [each for each in self.target.services if each.name == BACKEND]
        new = (name for each in backends for name in running.of_kind(self.host, each, self.new_names))
        serving = (name for each in backends for name in running.serving(self.host, each))
        return next(new, next(serving, ""))

    def abort(self, refused: Refused) -> NoReturn:
        """The way back before the switch. Raises Failure."""
        way_back.abort(
            way_back.Attempt(self.host, self.target, self.former, self.new_names, self.backend, self.parts), refused
        )


def roll(host: Host, target: Target, names: Sequence[str]) -> None:
    """Raises Failure: exit code 4 where the previous release is still serving, 5 where that failed, else 1."""
    rollout = RollOut(host, target, target.named(names))
    remove_leftovers(host, target.services)  # also of services that stay: the way back would take them for former ones
    rollout.former = {service: running.serving(host, service) for service in rollout.services}
    assets.keep(host, target)
    rollout.present = {service: running.of_service(host, service) for service in rollout.services}
    try:
        _before_switch(rollout)
    except Refused as refused:
        with signals.ignored():
            rollout.abort(refused)
    with signals.ignored():
        _from_switch_on(rollout)


def _before_switch(rollout: RollOut) -> None:
    host, hooks = rollout.host, rollout.host.config.release.hooks
    for service in rollout.services:
        with _refused(f"{service.name} does not start"):
            reached(f"{service.name} is to start")
            running.start_new(host, service, rollout.parts.begin_gap)
    rollout.parts.end("start")
    with _refused("the health gate failed"):
        _await_healthy(rollout)
    rollout.parts.end("health")
    if any(rollout.former.values()):
        with _refused("it did not keep running"):
            reached("the new ones settle")
            health.settle(host, rollout.new_names)
        rollout.parts.end("settle")
    with _refused("the hook before_switch failed"):
        run_hook(host, "before_switch", hooks.before_switch, rollout.backend)


def _await_healthy(rollout: RollOut) -> None:
    health.await_all_healthy(rollout.host, rollout.new)


def _from_switch_on(rollout: RollOut) -> None:
    """A request to end the job waits from here on for its end."""
    host, hooks = rollout.host, rollout.host.config.release.hooks
    mark_critical()
    try:
        with _refused("the proxy could not be switched"):
            still = {service: running.serving(host, service) for service in rollout.services}
            switch(host, rollout.new, still)
    except Refused as refused:
        rollout.abort(refused)
    rollout.parts.end_gap()
    rollout.parts.end("switch")
    try:
        with _refused("the hook after_switch failed"):
            run_hook(host, "after_switch", hooks.after_switch, rollout.backend)
    except Refused as refused:
        output.cause(str(refused))
        way_back.go_back(host, rollout.target, refused.why)


@contextmanager
def _refused(why: str) -> Iterator[None]:
    """What fails here is why the release is refused."""
    try:
        yield
    except Failure as failure:
        raise Refused(failure, "it was interrupted" if failure.was_interrupted else why) from failure
    except OSError as error:
        raise Refused(of_the_disk(error) or Failure(str(error)), why) from error


def mark_critical() -> None:
    """The session waits for the end of a job that says so, instead of ending it (engine/session.sh)."""
    if Path("runner.sh").exists():
        Path("critical").touch()


def remove_leftovers(host: Host, services: Sequence[Service]) -> None:
    """What an interrupted roll-out left: never a container that serves. Its last requests may still be in flight."""
    for name in ("new", "former", "next"):
        running.upstream_file(host).with_suffix(f".upstreams.{name}").unlink(missing_ok=True)
    keeps: Callable[[Host, Service], Sequence[str]]
    left: list[str] = []
    for service in services:
        keeps = running.serving if service.overlap else _named
        left += [name for name in running.of_service(host, service) if name not in keeps(host, service)]
    if left:
        output.say(f"removing containers that an earlier run left: {' '.join(left)}")
        proxy.drain(host, host.config.release.drain)
        running.remove(host, left)
    for service in (each for each in services if not each.overlap):
        running.start_stopped(host, service)


def _named(host: Host, service: Service) -> Sequence[str]:
    unnamed = running.unnamed(host, service)
    return [name for name in running.of_service(host, service) if name not in unnamed]


def finish(host: Host, services: Sequence[Service]) -> None:
    """Stop and remove the old containers once they have answered their last request; nginx closes what is left."""
    old = [name for service in services for name in running.unnamed(host, service)]
    if not old:
        return
    parts = Parts()
    proxy.drain(host, host.config.release.drain)
    parts.end("drain")
    running.stop(host, old)
    running.remove(host, old)
    parts.end("stop")
