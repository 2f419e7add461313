"""Docker's command line, with a limit for each call, and the containers of the deployment by their labels."""

from typing import Protocol

from deployer.remote.process import Result, run

PROXY = "nginx"
SECONDS = 60.0


class Docker(Protocol):
    """Runs `docker` with these words. Tests answer in its place."""

    def __call__(self, *words: str, limit: float = SECONDS, stdin: bytes = b"") -> Result:
        """Raises Failure where Docker is not installed, or does not answer in time."""


def command(*words: str, limit: float = SECONDS, stdin: bytes = b"") -> Result:
    """The real one."""
    return run("docker", *words, limit=limit, stdin=stdin)


def running(docker: Docker, project: str, service: str) -> tuple[str, ...]:
    """The ids of a service's containers that run; not those that restart again and again."""
    labels = (f"com.docker.compose.project={project}", f"com.docker.compose.service={service}")
    filters = (f"--filter=label={label}" for label in labels)
    return tuple(docker("ps", "--quiet", "--filter=status=running", *filters).text.split())
