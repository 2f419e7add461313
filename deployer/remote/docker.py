"""Docker's command line, with a limit for each call, and the containers of the deployment by their labels."""

from typing import IO, Protocol

from deployer.remote.failure import Failure
from deployer.remote.process import Result, run

PROXY = "nginx"
BACKEND = "backend-api"
DATABASE = "postgres"
SECONDS = 60.0


class Docker(Protocol):
    """Runs `docker` with these words. Tests answer in its place."""

    def __call__(
        self,
        *words: str,
        limit: float = SECONDS,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
    ) -> Result:
        """Raises Failure where Docker is not installed, or does not answer in time; `into` takes what it prints."""


def command(
    *words: str, limit: float = SECONDS, stdin: bytes | IO[bytes] = b"", into: IO[bytes] | None = None
) -> Result:
    """The real one; its warnings are apart from what it answers."""
    return run("docker", *words, limit=limit, stdin=stdin, into=into, apart=True)


def of_project(docker: Docker, project: str) -> tuple[str, ...]:
    """The ids of all containers of a deployment. Raises Failure where Docker does not answer."""
    listed = docker("ps", "--all", "--quiet", "--no-trunc", f"--filter=label=com.docker.compose.project={project}")
    if not listed.succeeded:
        raise Failure(listed.last_lines)
    return tuple(listed.text.split())


def running(docker: Docker, project: str, service: str) -> tuple[str, ...]:
    """The ids of a service's containers that run; not those that restart again and again."""
    return tuple(_listed(docker, project, service, "running").text.split())


def containers(docker: Docker, project: str, service: str, state: str) -> tuple[str, ...]:
    """The ids of a service's containers in this state. Raises Failure where Docker does not list them."""
    result = _listed(docker, project, service, state)
    if not result.succeeded:
        raise Failure((result.last_lines.splitlines() or ["docker ps failed"])[-1])
    return tuple(result.text.split())


def _listed(docker: Docker, project: str, service: str, state: str) -> Result:
    labels = (f"com.docker.compose.project={project}", f"com.docker.compose.service={service}")
    filters = (f"--filter=label={label}" for label in labels)
    return docker("ps", "--quiet", f"--filter=status={state}", *filters)
