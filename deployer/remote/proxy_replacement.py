"""The proxy's container is replaced by a new one: the one change with a gap, since two cannot have the same ports.

The new container is created first; the old one is kept until the new one answers.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from deployer.remote import output, proxy, proxy_check, signals
from deployer.remote.docker import PROXY
from deployer.remote.failure import GATE_FAILED, ROLLBACK_FAILED, Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from deployer.remote.stopping_points import reached
from deployer.remote.waiting import await_true

ANSWER_SECONDS = 15.0
FIRST_ANSWER_SECONDS = 10.0
AFTERWARDS_SECONDS = 5.0
CREATE_SECONDS = 600.0
PAUSE = 0.02
STOP_SECONDS = 3
LOG_LINES = 15


@dataclass
class Watch:
    """Asks the site all the time, and remembers when it answered; monotonic seconds."""

    host: Host
    answered: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ended.wait(PAUSE):
            if proxy.answers(self.host):
                self.answered.append(time.monotonic())

    @property
    def longest_gap(self) -> float:
        """The longest time between two answers, for a visitor who asks all the time."""
        pairs = zip(self.answered, self.answered[1:], strict=False)
        return max((after - before for before, after in pairs), default=0.0)


def replace(host: Host) -> None:
    """Raises Failure: exit code 4 when the old container serves again, 5 when neither does."""
    proxy_check.check(host, host.config.nginx)
    old, new = proxy.container(host), _create(host)
    with _measured(host):
        _swap(host, new, old)


@contextmanager
def _measured(host: Host) -> Iterator[None]:
    """Report the longest gap, also where the replacement fails."""
    watch = Watch(host)
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    await_true(lambda: watch.answered, FIRST_ANSWER_SECONDS)
    try:
        yield
    finally:
        count = len(watch.answered)
        await_true(lambda: len(watch.answered) > count, AFTERWARDS_SECONDS)
        watch.ended.set()
        thread.join(proxy.CONNECT_SECONDS)
        output.part("gap", watch.longest_gap)


def _create(host: Host) -> str:
    """The id of the new container, not yet started."""
    root = host.config.root
    compose = ("compose", "--project-directory", root, "-f", f"{root}/docker-compose.yml")
    options = ("--no-build", "--no-recreate", "--pull=never", f"--scale={PROXY}=2")
    created = host.docker(*compose, "create", *options, PROXY, limit=CREATE_SECONDS)
    filters = (f"label=com.docker.compose.project={host.config.name}", f"label=com.docker.compose.service={PROXY}")
    listed = host.docker("ps", "-aq", *(f"--filter={each}" for each in (*filters, "status=created")))
    new = next(iter(listed.text.split()), "")
    if not new:
        raise Failure(f"Docker did not create a new container for the proxy:\n{created.last_lines}")
    return new


def _swap(host: Host, new: str, old: str) -> None:
    reached("the old proxy is to stop")
    _succeed(host.docker("stop", f"--time={STOP_SECONDS}", old), "the old proxy could not be stopped")
    try:
        reached("the new proxy is to start")
        started = host.docker("start", new).succeeded and await_true(lambda: proxy.answers(host), ANSWER_SECONDS)
    except Failure:
        started = False
    if started:
        host.docker("rm", old)
        return
    with signals.ignored():
        _go_back(host, new, old)


def _go_back(host: Host, new: str, old: str) -> None:
    output.say("the new proxy does not answer; starting the old one again")
    with suppress(Failure):
        output.say(host.docker("logs", f"--tail={LOG_LINES}", new).all_text)
        host.docker("rm", "-f", new)
    if host.docker("start", old).succeeded and await_true(lambda: proxy.answers(host), ANSWER_SECONDS):
        raise Failure("the old proxy serves again", exit_code=GATE_FAILED)
    raise Failure("neither the new nor the old proxy answers", exit_code=ROLLBACK_FAILED)


def _succeed(result: Result, otherwise: str) -> None:
    if not result.succeeded:
        raise Failure(f"{otherwise}:\n{result.last_lines}")
