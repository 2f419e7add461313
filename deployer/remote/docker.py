"""Docker's command line, with a limit for each call, and the containers of the deployment by their labels."""

import shutil
from typing import Protocol

from deployer.remote.failure import Failure
from deployer.remote.process import OnOutput, Result, run, stream

PROXY = "nginx"
SECONDS = 60.0


class Docker(Protocol):
    """Runs `docker` with these words. Tests answer in its place."""

    def __call__(
        self, *words: str, limit: float = SECONDS, stdin: bytes = b"", on_output: OnOutput | None = None
    ) -> Result:
        """Raises Failure where Docker is not installed, or does not answer in time.

        With `on_output` the output is given to it as it arrives, and the result has none.
        """


def command(*words: str, limit: float = SECONDS, stdin: bytes = b"", on_output: OnOutput | None = None) -> Result:
    """The real one."""
    if not shutil.which("docker"):
        raise Failure("Docker is not installed on this host: run `deployer provision`")
    if on_output:
        return stream("docker", *words, limit=limit, on_output=on_output)
    return run("docker", *words, limit=limit, stdin=stdin)


def running(docker: Docker, project: str, service: str) -> tuple[str, ...]:
    """The ids of a service's containers that run; not those that restart again and again. Raises Failure."""
    return _containers(docker, "--filter=status=running", *_labels(project, service))


def existing(docker: Docker, project: str, service: str = "") -> tuple[str, ...]:
    """The ids of the containers of a service, or of all, in whatever state. Raises Failure where Docker fails."""
    return _containers(docker, "--all", *_labels(project, service))


def _labels(project: str, service: str) -> tuple[str, ...]:
    of_service = (f"--filter=label=com.docker.compose.service={service}",) if service else ()
    return (f"--filter=label=com.docker.compose.project={project}", *of_service)


def _containers(docker: Docker, *filters: str) -> tuple[str, ...]:
    listed = docker("ps", "--quiet", *filters)
    if not listed.succeeded:
        raise Failure(f"Docker cannot list the containers:\n{listed.last_lines}")
    return tuple(listed.text.split())
