"""What the traffic saw, as frozen data: the generator prints it, the test reads it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One request that was not answered as it should have been; `at` is Unix time."""

    at: float
    kind: str
    what: str


@dataclass(frozen=True)
class Sighting:
    """One container of one release that answered, and when (Unix time)."""

    version: str
    container: str
    first: float
    last: float
    count: int


@dataclass(frozen=True)
class Latency:
    """Milliseconds, of the sixteen quick clients; a connection of its own counts with its handshake."""

    median: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Counts:
    """Raw counts; every mapping is by kind unless it says otherwise."""

    seconds: float
    """From its beginning until it was told to end; what was in flight then took longer."""
    requests: Mapping[str, int]
    """All that were begun, failed ones too."""
    statuses: Mapping[str, int]
    """By the answer's status; those without any answer are not among them."""
    failed: Mapping[str, int]
    examples: tuple[Failure, ...]
    """The first few of every sort."""
    latency: Latency
    longest: Mapping[str, float]
    """Milliseconds."""
    sightings: tuple[Sighting, ...]
    """In the order in which they came first."""
    events: Mapping[str, int]
    """What is no failure, by its name: connections opened and closed, the WebSocket's reconnections."""
    keys: str
    """The file with the idempotency key of every POST that was sent, and its status (0: no answer)."""
    timed_out: bool
    """It ended by its own limit, before it was told to."""

    @property
    def in_all(self) -> int:
        return sum(self.requests.values())

    @property
    def failures(self) -> int:
        return sum(self.failed.values())

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.in_all / self.seconds

    @property
    def versions(self) -> tuple[str, ...]:
        """The releases that answered, in the order in which they came first."""
        return tuple(dict.fromkeys(sighting.version for sighting in self.sightings))

    def summary(self) -> str:
        """The raw counts, for a person."""
        seen = "\n".join(
            f"  release {sighting.version} in {sighting.container}: {sighting.count} answers, "
            f"from {sighting.first:.3f} until {sighting.last:.3f}"
            for sighting in self.sightings
        )
        examples = "\n".join(f"  {failure.at:.3f} {failure.kind}: {failure.what}" for failure in self.examples)
        return (
            f"{self.in_all} requests in {self.seconds:.1f} s ({self.rate:.0f}/s), {self.failures} failed\n"
            f"  requests  {dict(self.requests)}\n  statuses  {dict(self.statuses)}\n  events    {dict(self.events)}\n"
            f"  failed    {dict(self.failed)}\n"
            f"  latency   median {self.latency.median:.1f} ms, p99 {self.latency.p99:.1f} ms, "
            f"longest {self.latency.longest:.1f} ms\n{seen}\n{examples}"
        )
