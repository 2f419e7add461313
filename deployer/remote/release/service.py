"""The services of a release, as they are recorded: a line for each in releases/ID/services.

    SERVICE UPSTREAM PORT REPLICAS OVERLAP IMAGE CHECK…

CHECK is shell, which the container's own health check runs; the path that it asks for is what counts here.
"""

import re
from dataclasses import dataclass

from deployer.remote.failure import Failure

FIELDS = 6
"""Words in front of the check."""
PATH = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+(/[^\s'\")]*)")


@dataclass(frozen=True)
class Service:
    """One service of a release. `overlap`: two of its containers may run at the same time."""

    name: str
    upstream: str
    port: int
    replicas: int
    overlap: bool
    image: str
    check: str

    @property
    def path(self) -> str:
        """What is asked for to see whether a container is healthy."""
        found = PATH.search(self.check)
        return found[1] if found else "/"

    @property
    def repository(self) -> str:
        """The name of its image, without the tag."""
        return self.image.rpartition(":")[0] or self.image

    @property
    def line(self) -> str:
        overlap = "yes" if self.overlap else "no"
        words = (self.name, self.upstream, self.port, self.replicas, overlap, self.image, self.check)
        return " ".join(str(word) for word in words)


def parsed(lines: str) -> tuple[Service, ...]:
    """From the recorded lines. Raises Failure where one is damaged."""
    return tuple(_service(line) for line in lines.splitlines() if line)


def _service(line: str) -> Service:
    words = line.split(" ", FIELDS)
    if len(words) <= FIELDS or not (words[2].isdigit() and words[3].isdigit()):
        raise Failure(f"the services of the release cannot be read: {line[:80]}")
    name, upstream, port, replicas, overlap, image, check = words
    return Service(name, upstream, int(port), int(replicas), overlap != "no", image, check)
