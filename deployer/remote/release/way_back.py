"""The way back from a roll-out that failed: before the switch, and after it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from deployer.remote import output, proxy
from deployer.remote.docker import BACKEND
from deployer.remote.failure import FAILED, GATE_FAILED, ROLLBACK_FAILED, Failure
from deployer.remote.host import Host
from deployer.remote.release import assets, health, kept, log, running
from deployer.remote.release.hooks import run_hook
from deployer.remote.release.parts import Parts
from deployer.remote.release.service import Service
from deployer.remote.release.switch import Containers, await_reached, switch
from deployer.remote.release.target import Target


class Refused(Failure):
    """A release that does not get to serve; `why` is what is recorded."""

    def __init__(self, failure: Failure, why: str) -> None:
        super().__init__(str(failure), failure.exit_code)
        self.why = why


@dataclass(frozen=True)
class Attempt:
    """A roll-out that did not come to its switch: what served, what is new, and the container in which hooks run."""

    host: Host
    target: Target
    former: Containers
    new: Sequence[str]
    backend: str
    parts: Parts


def abort(attempt: Attempt, refused: Refused) -> NoReturn:
    """Remove the new containers; those that were stopped for them serve again. Raises Failure."""
    host = attempt.host
    output.cause(str(refused))
    with suppress(Failure):
        run_hook(host, "on_failure", host.config.release.hooks.on_failure, attempt.backend)
    code = GATE_FAILED if any(attempt.former.values()) else FAILED
    try:
        running.remove(host, attempt.new)
        _start_again(host, attempt.former)
        attempt.parts.end_gap()
        kept.restore(host, log.current(host))
    except Failure as failure:
        output.say(str(failure))
        code = ROLLBACK_FAILED
    assets.forget_staged(host)
    log.record_failure(host, attempt.target, refused.why)
    raise Failure(f"{refused.why}: the release is refused", exit_code=code)


def _start_again(host: Host, former: Containers) -> None:
    """The containers that were stopped because two of the service must not run at the same time."""
    services = {service.name: service for service in kept.services(host, log.current(host))}
    stopped: dict[Service, Sequence[str]] = {}
    for service, names in former.items():
        ended = [name for name in names if not health.state(host, name).running]
        running.start(host, ended)
        stopped[services.get(service.name, service)] = ended
    serve_again(host, stopped)


def serve_again(host: Host, containers: Containers) -> None:
    """A started container serves once it is healthy and the proxy reaches it, perhaps at another address."""
    health.await_all_healthy(host, containers)
    await_reached(host, {service: names for service, names in containers.items() if names})


def go_back(host: Host, target: Target, why: str) -> None:
    """After the switch: the proxy back to the old containers, which still are there.

    Raises Failure: exit code 4 when they serve, else 5.
    """
    parts = Parts()
    old = {service: running.unnamed(host, service) for service in target.services}
    changed = {service: names for service, names in old.items() if names}
    with suppress(Failure):
        run_hook(host, "on_failure", host.config.release.hooks.on_failure, _backend(host, target))
    if not changed:
        raise Failure("there is no previous release to roll back to", exit_code=ROLLBACK_FAILED)
    try:
        _switch_back(host, changed)
        kept.restore(host, log.current(host))
    except Failure as failure:
        raise Failure(f"{why}; the rollback failed: {failure}", exit_code=ROLLBACK_FAILED) from failure
    assets.forget_staged(host)
    log.record_failure(host, target, why)
    parts.end("back")
    raise Failure(f"{why}: rolled back", exit_code=GATE_FAILED)


def _switch_back(host: Host, changed: Containers) -> None:
    recorded = {service.name: service for service in kept.services(host, log.current(host))}
    refused = {service: running.serving(host, service) for service in changed}
    for service in changed:
        if not service.overlap:
            running.stop(host, refused[service])
        running.start(host, changed[service])
    back = {recorded.get(service.name, service): names for service, names in changed.items()}
    switch(host, back, {service: running.serving(host, service) for service in back})
    serve_again(host, back)
    proxy.drain(host, host.config.release.drain)
    with suppress(Failure):
        running.remove(host, [name for names in refused.values() for name in names])


def _backend(host: Host, target: Target) -> str:
    backends = (each for each in target.services if each.name == BACKEND)
    return next((name for each in backends for name in running.serving(host, each)), "")
