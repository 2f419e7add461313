"""Whether a container answers: its health path is asked over the network, from the host, and has to answer 200.

That needs nothing in the image, neither a shell nor curl, and it finds an application that listens on 127.0.0.1 only,
which the container's own check takes for healthy, and which no visitor would ever reach.
"""

import http.client
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import TimedOut
from deployer.remote.release.service import Service
from deployer.remote.waiting import await_true

OK = 200
ASK_SECONDS = 5.0
DOCKER_SECONDS = 60.0
"""While Docker itself restarts nothing is known of a container, so that is awaited."""
STEADY_SECONDS = 10.0
"""For which an answer that a start does not change has to be the same one: then it is final."""
FINAL = range(300, 500)
"""Redirects, and what the application refuses: it has started, and this is what it answers."""
LONGEST_PAUSE = 2.0
LOG_LINES = 25
LISTENING = "0A"
LOOPBACK = "0100007F"


@dataclass(frozen=True)
class State:
    """What Docker reports of a container; `address` is its own in the network of the deployment."""

    running: bool
    restarts: int
    process: int
    address: str


def state(host: Host, name: str) -> State:
    """Raises Failure where Docker does not answer, or has no such container."""
    result = host.docker("inspect", name)
    if not result.succeeded and await_true(lambda: host.docker("version").succeeded, DOCKER_SECONDS):
        result = host.docker("inspect", name)
    if not result.succeeded:
        raise Failure(f"Docker does not know {name}:\n{result.last_lines}")
    found = json.loads(result.output)[0]
    networks = found["NetworkSettings"]["Networks"].values()
    address = next((str(network["IPAddress"]) for network in networks if network.get("IPAddress")), "")
    status = found["State"]
    return State(status["Status"] == "running", int(found["RestartCount"]), int(status["Pid"]), address)


def keeps_running(host: Host, name: str) -> bool:
    """Whether it runs, and never ended since its start."""
    found = state(host, name)
    return found.running and found.restarts == 0


def await_healthy(host: Host, name: str, service: Service) -> None:
    """Raises Failure: at once where it ended, or can never become healthy; else after `healthy_within` seconds."""
    limit = host.config.release.healthy_within
    deadline, pause, seen = time.monotonic() + limit, 0.3, Seen("", 0.0)
    while (answer := asked(host, name, service)) != "":
        seen = seen.next(answer)
        if not keeps_running(host, name):
            raise Failure(with_log(host, name, "does not keep running"))
        if seen.is_final:
            raise Failure(with_log(host, name, f"is not healthy: it {answer}, and {OK} is wanted"))
        if time.monotonic() >= deadline:
            raise Failure(with_log(host, name, f"is not healthy after {limit} s: it {answer}"))
        time.sleep(pause)
        pause = min(pause * 1.6, LONGEST_PAUSE)


@dataclass(frozen=True)
class Seen:
    """An answer, and since when it is the same one (monotonic seconds)."""

    answer: str
    since: float

    def next(self, answer: str) -> "Seen":
        return self if answer == self.answer else Seen(answer, time.monotonic())

    @property
    def is_final(self) -> bool:
        steady = time.monotonic() - self.since >= STEADY_SECONDS
        return steady and self.answer.startswith(("answers 3", "answers 4", "listens on 127.0.0.1"))


def asked(host: Host, name: str, service: Service) -> str:
    """What is wrong with its answer, to follow "it"; empty where it is 200."""
    found = state(host, name)
    if not found.address:
        return "has no address in the network"
    try:
        status, location = _answer(found.address, service)
    except (OSError, http.client.HTTPException) as error:
        if listens_on_loopback_only(found.process, service.port):
            return f"listens on 127.0.0.1:{service.port} only, not on the container's address"
        return f"does not answer on port {service.port} ({error or type(error).__name__})"
    if status == OK:
        return ""
    return f"answers {status} to {service.path}" + (f" (to {location})" if location else "")


def _answer(address: str, service: Service) -> tuple[int, str]:
    """Status and Location. Behind HTTPS: without the header an application that wants it answers with a redirect."""
    connection = http.client.HTTPConnection(address, service.port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", service.path, headers={"X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        return response.status, response.headers.get("Location", "")[:80]
    finally:
        connection.close()


def listens_on_loopback_only(process: int, port: int) -> bool:
    """Whether a process of this network namespace listens on 127.0.0.1 at that port, and on no other address."""
    listening = {address for address, number in _listeners(process) if number == port}
    return listening == {LOOPBACK}


def _listeners(process: int) -> Sequence[tuple[str, int]]:
    """Addresses (hexadecimal, as the kernel shows them) and ports."""
    lines = [line for name in ("tcp", "tcp6") for line in _lines(Path(f"/proc/{process}/net/{name}"))]
    fields = (line.split() for line in lines)
    places = (field[1].rpartition(":") for field in fields if len(field) > 3 and field[3] == LISTENING)
    return [(address, int(port, 16)) for address, _, port in places]


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()[1:] if file.exists() else []


def settle(host: Host, names: Sequence[str]) -> None:
    """Wait `settle` seconds: many programs end soon after they were healthy once. Raises Failure where one ended."""
    seconds = host.config.release.settle
    with suppress(TimedOut):
        host.docker("wait", *names, limit=seconds)
    for name in names:
        if not keeps_running(host, name):
            raise Failure(with_log(host, name, f"ended within {seconds} s"))


def with_log(host: Host, name: str, what: str) -> str:
    """What is wrong with a container, and the end of its log."""
    log = host.docker("logs", f"--tail={LOG_LINES}", name).text.splitlines()
    return "\n".join((f"{name} {what}. The last lines of its log:", *(f"  | {line}" for line in log)))
