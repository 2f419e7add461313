"""Docker's command line, with a limit for each call, and the containers of the deployment by their labels."""

import shutil
from typing import IO, Protocol

from deployer.remote import service_names
from deployer.remote.failure import Failure
from deployer.remote.process import OnOutput, Result, run, stream

PROXY, BACKEND, DATABASE = service_names.PROXY, service_names.BACKEND, service_names.DATABASE
SECONDS = 60.0


class Docker(Protocol):
    """Runs `docker` with these words. Tests answer in its place."""

    def __call__(
        self,
        *words: str,
        limit: float = SECONDS,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        """Raises Failure where Docker is not installed, or does not answer in time.

        `into` takes what it prints; with `on_output` that is given to it as it arrives, both outputs together. The
        result has none of it then.
        """


def command(
    *words: str,
    limit: float = SECONDS,
    stdin: bytes | IO[bytes] = b"",
    into: IO[bytes] | None = None,
    on_output: OnOutput | None = None,
) -> Result:
    """The real one; its warnings are apart from what it answers."""
    if not shutil.which("docker"):
        raise Failure("Docker is not installed on this host: run `deployer provision`")
    if on_output:
        return stream("docker", *words, limit=limit, on_output=on_output)
    return run("docker", *words, limit=limit, stdin=stdin, into=into, apart=True)


def running(docker: Docker, project: str, service: str) -> tuple[str, ...]:
    """The ids of a service's containers that run; not those that restart again and again. Raises Failure."""
    return containers(docker, project, service, "running")


def containers(docker: Docker, project: str, service: str, state: str) -> tuple[str, ...]:
    """The ids of a service's containers in this state. Raises Failure where Docker does not list them."""
    return _listed(docker, f"--filter=status={state}", *_labels(project, service))


def existing(docker: Docker, project: str, service: str = "") -> tuple[str, ...]:
    """The ids of the containers of a service, or of all, in whatever state. Raises Failure where Docker fails."""
    return _listed(docker, "--all", "--no-trunc", *_labels(project, service))


def names(docker: Docker, project: str, service: str) -> tuple[str, ...]:
    """The names of a service's containers, in whatever state. Raises Failure where Docker does not list them."""
    return _printed(docker, "--all", "--format={{.Names}}", *_labels(project, service))


def _labels(project: str, service: str) -> tuple[str, ...]:
    of_service = (f"--filter=label=com.docker.compose.service={service}",) if service else ()
    return (f"--filter=label=com.docker.compose.project={project}", *of_service)


def _listed(docker: Docker, *filters: str) -> tuple[str, ...]:
    return _printed(docker, "--quiet", *filters)


def _printed(docker: Docker, *options: str) -> tuple[str, ...]:
    result = docker("ps", *options)
    if not result.succeeded:
        raise Failure((result.last_lines.splitlines() or ["docker ps failed"])[-1])
    return tuple(result.text.split())
