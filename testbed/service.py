"""Services beside the hosts: each a container on this machine's own network, listening where hosts reach
it.

They are kept between runs (`python -m testbed clean` removes them). A service that runs with other
settings than asked for is replaced; one that was stopped is started anew; one that ends by itself Docker restarts.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from testbed.engine import gateway
from testbed.images import ensure_image
from testbed.places import HOST_KEY, RECIPE_LABEL, SERVICE_LABEL, digest_of, exclusive
from testbed.shell import BedError, docker, last_lines, say, wait_for

START_SECONDS = 20
RESTARTED = "unless-stopped"
PORT_LABEL = "deployer.testbed.port"
_PORTS_TRIED = 50


@dataclass(frozen=True)
class Service:
    """What to run: `{address}` and `{port}` stand in the script for where it has to listen."""

    name: str
    script: str
    port: int
    """Where it should listen; the next free one is taken where that is in use."""
    mounts: tuple[tuple[Path, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def container(self) -> str:
        """The name of its container."""
        return f"deployer-testbed-{self.name}"


@dataclass(frozen=True)
class Endpoint:
    """Where a service listens."""

    address: str
    port: int

    @property
    def url(self) -> str:
        """As an http URL, without a slash at the end."""
        return f"http://{self.address}:{self.port}"


def ensure_service(service: Service) -> Endpoint:
    """Start the service if it does not run as described, wait until it accepts connections, and say where
    it is.
    """
    image = ensure_image("services")
    wanted = digest_of(image, gateway(), repr(service))
    with exclusive(f"service-{service.name}"):
        port = _running(service, wanted)
        if port and _answers(service, port):
            return Endpoint(gateway(), port)
        with exclusive("service-ports"):  # a port that was found free is taken when the service listens
            endpoint = Endpoint(gateway(), _start(service, image, wanted))
            wait_for(lambda: _accepts(endpoint), f"{service.name} at {endpoint.url}", seconds=START_SECONDS)
        return endpoint


def stop_services() -> tuple[str, ...]:
    """Remove all services and give their names; none while a host of any checkout may still use them."""
    if docker("ps", "--quiet", "--filter", f"label={HOST_KEY}").stdout:
        return ()
    form = "{{.ID}} {{.Names}}"
    lines = docker("ps", "--all", "--filter", f"label={SERVICE_LABEL}", "--format", form).stdout.splitlines()
    for line in lines:
        docker("rm", "--force", "--volumes", line.split()[0])
    return tuple(line.split()[1] for line in lines)


def _running(service: Service, wanted: str) -> int:
    """The port of the service where it runs as wanted, or Docker is about to restart it, else 0."""
    form = "{{or .State.Running .State.Restarting}} {{.HostConfig.RestartPolicy.Name}} {{json .Config.Labels}}"
    state = docker("inspect", "--format", form, service.container, check=False)
    running, policy, labels = state.stdout.split(" ", 2) if state.stdout.strip() else ("", "", "")
    known: dict[str, str] = json.loads(labels) if running == "true" else {}
    if known.get(RECIPE_LABEL) != wanted:
        return 0
    if policy != RESTARTED:
        docker("update", f"--restart={RESTARTED}", service.container, check=False)
    return int(known[PORT_LABEL])


def _answers(service: Service, port: int) -> bool:
    """Whether it accepts connections, now or after a moment: one that runs and does not is started anew."""
    try:
        wait_for(lambda: _accepts(Endpoint(gateway(), port)), service.name, seconds=START_SECONDS)
    except BedError:
        return False
    return True


def _start(service: Service, image: str, wanted: str) -> int:
    docker("rm", "--force", "--volumes", service.container, check=False)
    port = _free_port(gateway(), service.port)
    labels = {SERVICE_LABEL: service.name, RECIPE_LABEL: wanted, PORT_LABEL: str(port)}
    arguments = [f"--label={key}={value}" for key, value in labels.items()]
    arguments += [f"--volume={source}:{target}" for source, target in service.mounts]
    arguments += [f"--env={key}={value}" for key, value in service.environment]
    script = service.script.replace("{address}", gateway()).replace("{port}", str(port))
    say(f"starting {service.name} at {gateway()}:{port}")
    command = ("run", "--detach", "--init", "--network=host", f"--restart={RESTARTED}", f"--name={service.container}")
    started = docker(*command, *arguments, image, "sh", "-euc", script, check=False)
    if started.returncode:
        raise BedError(f"cannot start {service.name}: {last_lines(started)}")
    return port


def _free_port(address: str, preferred: int) -> int:
    for port in range(preferred, preferred + _PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise BedError(f"no free port from {preferred} on at {address}")


def _accepts(endpoint: Endpoint) -> bool | None:
    try:
        with socket.create_connection((endpoint.address, endpoint.port), timeout=1):
            return True
    except OSError:
        return None
