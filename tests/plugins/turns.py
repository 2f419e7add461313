"""Files that take turns: of those marked `in_turn` a commit runs a sixth, which takes about a sixth of their time.

They prove what seldom breaks by itself and costs much: a fault that this commit's sixth does not see is seen by one
of the next commits, or by `--full`, which runs them all.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.plugins.durations import below_hosts

TURNS = 6
UNKNOWN_SECONDS = 20.0
"""Of a test in a file that the table of durations does not have."""


def waiting(items: Sequence[pytest.Item], seconds: Mapping[str, float], seed: str) -> Iterator[pytest.Item]:
    """The tests whose turn it is not, given how long a test of each file takes, and a commit."""
    files = {item: below_hosts(item.path) for item in items}
    counted = Counter(files.values())
    turns = dealt({file: count * seconds.get(file, UNKNOWN_SECONDS) for file, count in counted.items()})
    now = zlib.crc32(seed.encode()) % TURNS
    yield from (item for item, file in files.items() if turns[file] != now)


def dealt(seconds: Mapping[str, float]) -> dict[str, int]:
    """The turn of each file: the longest first, each to the turn that has least to do yet."""
    loads, turns = [0.0] * TURNS, dict[str, int]()
    for file in sorted(seconds, key=lambda name: (-seconds[name], name)):
        turns[file] = loads.index(min(loads))
        loads[turns[file]] += seconds[file]
    return turns
