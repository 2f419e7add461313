"""The server's container: started alone, and awaited."""

import time

from deployer.remote import docker
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.postgres.data import check_readable
from deployer.remote.release.health import state, with_log
from deployer.remote.stopping_points import reached

READY_SECONDS = 120
"""From the start of the container until the server accepts connections; the first start creates the database."""
START_SECONDS = 180
PAUSE = 0.3


def container(host: Host) -> str:
    """Its name, in whatever state it is; empty where there is none. Raises Failure where Docker fails."""
    return next(iter(docker.names(host.docker, host.config.name, docker.DATABASE)), "")


def start(host: Host, image: str) -> None:
    """A new container, of `image` as docker-compose.yml names it. Raises Failure."""
    check_readable(host, image)
    reached("PostgreSQL is to start")
    root = host.config.root
    compose = ("compose", "--project-directory", root, "-f", f"{root}/docker-compose.yml", "up", "--detach")
    options = ("--no-deps", "--no-build", "--force-recreate")
    result = host.docker(*compose, *options, docker.DATABASE, limit=START_SECONDS)
    if not result.succeeded:
        raise Failure(f"PostgreSQL does not start:\n{result.last_lines}")


def await_ready(host: Host, name: str) -> None:
    """Raises Failure with the end of its log: at once where it does not keep running, else after READY_SECONDS.

    While the image creates a database its server listens on the socket only, which does not count as ready.
    """
    settings = host.config.postgres
    deadline, restarts = time.monotonic() + READY_SECONDS, state(host, name).restarts
    ready = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", settings.user, "-d", settings.database)
    while not host.docker("exec", name, *ready).succeeded:
        found = state(host, name)
        if not found.running or found.restarts != restarts:
            raise Failure(with_log(host, name, "does not keep running"))
        if time.monotonic() >= deadline:
            raise Failure(with_log(host, name, f"is not ready after {READY_SECONDS} s"))
        time.sleep(PAUSE)
