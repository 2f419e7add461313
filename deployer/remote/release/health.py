"""Whether a container answers: its health path is asked over the network, as by the proxy, and has to answer 200.

That needs nothing in the image, neither a shell nor curl, and it finds an application that listens on 127.0.0.1 only,
which the container's own check takes for healthy, and which no visitor would ever reach.
"""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.remote import proxy
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import TimedOut, run
from deployer.remote.release.service import Service
from deployer.remote.waiting import await_true

OK = "200"
ASK_SECONDS = 5.0
CURL = (
    *("--silent", "--show-error", "--max-time", f"{ASK_SECONDS:.0f}", "--output", "/dev/null"),
    *("--header", "X-Forwarded-Proto: https"),  # an application that wants HTTPS answers with a redirect without it
    *("--write-out", "%{http_code} %{redirect_url}"),
)
LONGEST = 80
DOCKER_SECONDS = 60.0
"""While Docker itself restarts nothing is known of a container, so that is awaited."""
STEADY_SECONDS = 10.0
"""For which an answer that a start does not change has to be the same one: then it is final."""
FINAL = ("answers 3", "answers 4", "listens on 127.0.0.1")
"""Redirects, and what the application refuses: it has started, and this is what it answers."""
LONGEST_PAUSE = 2.0
LOG_LINES = 25
LISTENING = "0A"
LOOPBACK = "0100007F"
LOCALHOST = "127.0.0.1"


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


def await_healthy(host: Host, name: str, service: Service, *, inside: bool = False) -> None:
    """Raises Failure: at once where it ended, or can never become healthy; else after `healthy_within` seconds.

    It is asked from the proxy's network, or `inside` from its own, on 127.0.0.1: where no proxy is in its network.
    """
    limit = host.config.release.healthy_within
    deadline, pause, seen = time.monotonic() + limit, 0.3, Seen("", 0.0)
    place = None if inside else in_proxys_network(host)
    while (answer := asked(host, name, service, place)) != "":
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
        return steady and self.answer.startswith(FINAL)


def await_all_healthy(host: Host, containers: Mapping[Service, Sequence[str]]) -> None:
    """The same for each of these containers, by their services."""
    for service, names in containers.items():
        for name in names:
            await_healthy(host, name, service)


def in_proxys_network(host: Host) -> tuple[str, ...]:
    """Words in front of a command that runs where the proxy's requests come from; none where no proxy runs.

    An application may believe the headers of nobody but the proxy.
    """
    found = proxy.container(host)
    return ("nsenter", "-t", str(state(host, found).process), "-n") if found else ()


def asked(host: Host, name: str, service: Service, place: Sequence[str] | None) -> str:
    """What is wrong with its answer, to follow "it"; empty where it is 200. Without a place it is asked inside."""
    found = state(host, name)
    if not found.address:
        return "has no address in the network"
    if place is None:
        found, place = replace(found, address=LOCALHOST), ("nsenter", "-t", str(found.process), "-n")
    url = f"http://{found.address}:{service.port}{service.path}"
    result = run(*place, "curl", *CURL, url, limit=ASK_SECONDS * 2, apart=True)
    status, _, location = result.text.partition(" ")
    if not result.succeeded:
        if found.address != LOCALHOST and listens_on_loopback_only(found.process, service.port):
            return f"listens on 127.0.0.1:{service.port} only, not on the container's address"
        return f"does not answer on port {service.port} ({result.last_lines.rpartition('curl: ')[2].strip()})"
    if status == OK:
        return ""
    path = location.removeprefix(f"http://{found.address}:{service.port}")[:LONGEST]
    return f"answers {status} to {service.path}" + (f" (to {path})" if path else "")


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
    log = host.docker("logs", f"--tail={LOG_LINES}", name).all_text.splitlines()
    return "\n".join((f"{name} {what}. The last lines of its log:", *(f"  | {line}" for line in log)))
