"""Counting, while the traffic runs."""

import time
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.traffic.counts import Counts, Failure, Latency, Sighting

EXAMPLES_OF_A_SORT = 3
EXAMPLES = 60


@dataclass
class _Seen:
    first: float
    last: float
    count: int = 1


class Tally:
    """What became of every request; one thread alone uses it."""

    def __init__(self) -> None:
        self._began = self._ended = time.monotonic()
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.longest: dict[str, float] = {}
        self.keys: dict[str, int] = {}
        """The idempotency key of every POST that was sent, and the status of its answer, 0 without one."""
        self._sorts: Counter[tuple[str, str]] = Counter()
        self._examples: list[Failure] = []
        self._quick = array("d")
        self._seen: dict[tuple[str, str], _Seen] = {}

    def took(self, kind: str, milliseconds: float, *, quick: bool) -> None:
        """A request of this kind ended, well or badly, after so long."""
        self.requests[kind] += 1
        self.longest[kind] = max(milliseconds, self.longest.get(kind, 0.0))
        if quick:
            self._quick.append(milliseconds)

    def fail(self, kind: str, what: str) -> None:
        """That one was not answered as it should have been."""
        self.failed[kind] += 1
        self._sorts[kind, what] += 1
        if self._sorts[kind, what] <= EXAMPLES_OF_A_SORT and len(self._examples) < EXAMPLES:
            self._examples.append(Failure(time.time(), kind, what))

    def saw(self, version: str, container: str) -> None:
        """This container of this release answered."""
        now = time.time()
        seen = self._seen.get((version, container))
        if seen is None:
            self._seen[version, container] = _Seen(now, now)
        else:
            seen.last, seen.count = now, seen.count + 1

    def end(self) -> None:
        """Nothing more is begun; what is in flight will still be counted."""
        self._ended = time.monotonic()

    def counts(self, keys: Path, *, timed_out: bool) -> Counts:
        """Everything, and the keys into their file."""
        keys.write_text("".join(f"{key} {status}\n" for key, status in self.keys.items()))
        return Counts(
            seconds=self._ended - self._began,
            requests=_sorted(self.requests),
            statuses=_sorted(self.statuses),
            failed=_sorted(self.failed),
            examples=tuple(self._examples),
            latency=latency(self._quick),
            longest=self.longest,
            sightings=tuple(self._sightings()),
            events=_sorted(self.events),
            keys=str(keys),
            timed_out=timed_out,
        )

    def _sightings(self) -> Iterable[Sighting]:
        for (version, container), seen in self._seen.items():
            yield Sighting(version, container, seen.first, seen.last, seen.count)


def latency(milliseconds: Sequence[float]) -> Latency:
    """Median, 99th percentile (nearest rank) and maximum; zeros where nothing was measured."""
    ordered = sorted(milliseconds) or [0.0]
    return Latency(ordered[(len(ordered) - 1) // 2], ordered[-(len(ordered) // 100) - 1], ordered[-1])


def _sorted(counted: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counted.items()))
