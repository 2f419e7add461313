"""The application's containers are paused for a moment, in which nothing that they write changes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deployer.remote import output, signals
from deployer.remote.docker import BACKEND, containers
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from deployer.remote.stopping_points import reached
from deployer.remote.waiting import await_true

LIMIT = 30
"""Seconds for which they are paused at most: a timer unpauses them then, whatever becomes of this program."""
TRIES = 3
"""A timer that cannot be set, and is not there either, is not awaited longer."""
RUNNING, PAUSED = "running", "paused"


@dataclass
class Pause:
    """What is paused, and for how long: `seconds` once it is over."""

    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    held: tuple[str, ...] = ()
    has_timer: bool = False

    @property
    def left(self) -> float:
        """Seconds until the timer unpauses them, less some for what is done then."""
        return LIMIT - 5 - (time.monotonic() - self.began)


@contextmanager
def frozen(host: Host) -> Iterator[Pause]:
    """Hold the application's containers for the time of this context.

    Raises Failure where they cannot be paused, or one did not stay paused to the end. Containers that somebody else has
    paused stay paused.
    """
    pause = Pause()
    try:
        _hold(host, pause)
        yield pause
        _check_all_stayed_paused(host)
    finally:
        with signals.ignored():
            _release(host, pause)
    pause.seconds = time.monotonic() - pause.began
    if pause.held:
        output.say(f"the application was paused for {pause.seconds:.3f} s")


def _hold(host: Host, pause: Pause) -> None:
    """Pause what runs, behind a timer that unpauses it."""
    known = _backends(host, RUNNING, PAUSED)
    if not known:
        return
    _set_timer(host, known)
    pause.has_timer = True
    pause.began = time.monotonic()
    pause.held = _backends(host, RUNNING)
    if not pause.held:
        return
    result = host.docker("pause", *pause.held, limit=LIMIT)
    if not result.succeeded:
        raise Failure(f"the application's containers could not be paused: {_last(result)}; see docker ps")
    reached("paused")


def _release(host: Host, pause: Pause) -> None:
    """Where Docker leaves one paused, the timer stays, and tries it once more."""
    left: set[str] = set()
    try:
        if pause.held:
            host.docker("unpause", *pause.held)
            left = set(_backends(host, PAUSED)) & set(pause.held)
        if pause.has_timer and not left:
            host.timers.remove(_timer(host))
    except Failure as failure:
        output.say(f"the application's containers may be paused for at most {LIMIT} s more: {failure}")


def _backends(host: Host, *states: str) -> tuple[str, ...]:
    """The ids of the application's containers in one of these states. Raises Failure where Docker does not answer."""
    try:
        return tuple(found for state in states for found in containers(host.docker, host.config.name, BACKEND, state))
    except Failure as failure:
        what = "Docker does not answer, so the application cannot be paused"
        raise Failure(f"{what}: {failure}; see systemctl status docker") from failure


def _set_timer(host: Host, found: tuple[str, ...]) -> None:
    """logrotate pauses the containers with a timer of the same name, which systemd gives to one of both at a time."""
    tries: list[Result] = []

    def is_set() -> bool:
        tries.append(host.timers.set(_timer(host), LIMIT, "docker", "unpause", *found))
        return tries[-1].succeeded or (len(tries) >= TRIES and not host.timers.exists(_timer(host)))

    await_true(is_set, 2 * LIMIT, pause=1.0)
    if not tries[-1].succeeded:
        what = "the application is not paused, because no timer can be set that would unpause it"
        raise Failure(f"{what}: {_last(tries[-1])}")


def _timer(host: Host) -> str:
    return f"{host.config.name}-unpause"


def _check_all_stayed_paused(host: Host) -> None:
    """A container that was started or unpaused meanwhile may have written: then the backup is not of one instant."""
    if _backends(host, RUNNING):
        what = "a container of the application did not stay paused to the end"
        raise Failure(f"{what}, which is after at most {LIMIT} s: run the backup again")


def _last(result: Result) -> str:
    return (result.last_lines.splitlines() or ["no reason given"])[-1]
