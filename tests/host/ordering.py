"""Which tests stay together on one worker, and in which order: the longest first, so that all workers end together.

A file whose tests have a host or anything else in common goes to one worker, the tests of all others go to any:
`--dist loadgroup` (by a scheduler of our own: xdist 3.8 writes the groups of its marks where pytest 9.2 reads nothing).

How long a test of a file takes, in seconds, stands in durations.json; `python -m tests.host.ordering REPORT.xml` renews
what a report of `pytest tests/host --junitxml REPORT.xml` knows of it.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import mean, median
from xml.etree import ElementTree

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.plugins.durations import TABLE, TESTS, below_hosts, known_seconds

SHARED = re.compile(r'scope="(class|module|package)"')


@cache
def stays_together(file: Path) -> bool:
    """Whether tests of this file have something in common: a fixture of its own, or of its directory."""
    return any(SHARED.search(each.read_text()) for each in (file, file.with_name("conftest.py")) if each.exists())


def group_of(nodeid: str, root: Path) -> str:
    """The name of what goes to one worker: the file, or the test alone."""
    file = nodeid.partition("::")[0]
    return file if stays_together(root / file) else nodeid


class Spreading(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Hands out groups in the order in which they come."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid, self.config.rootpath)


def ordered(items: Iterable[pytest.Item], seconds: Mapping[str, float]) -> list[pytest.Item]:
    """What takes longest comes first; the tests of a group one after the other, in the order in which they were."""
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(group_of(item.nodeid, item.config.rootpath), []).append(item)
    unknown = median(seconds.values()) if seconds else 1.0

    def duration(group: Sequence[pytest.Item]) -> float:
        return sum(seconds.get(below_hosts(item.path), unknown) for item in group)

    return [item for group in sorted(groups.values(), key=duration, reverse=True) for item in group]


def told(report: Path) -> dict[str, float]:
    """What a report says of each file: the mean of its tests that were not skipped."""
    times: dict[str, list[float]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        words = case.get("classname", "").removeprefix("tests.host.").split(".")
        place = "/".join(word for word in words if not word.startswith("Test"))
        if case.find("skipped") is None:
            times.setdefault(f"{place}.py", []).append(float(case.get("time", "0")))
    return {name: round(mean(each), 1) for name, each in times.items() if (TESTS / name).is_file()}


def main() -> None:
    table = known_seconds()
    for report in sys.argv[1:]:
        table |= told(Path(report))
    kept = {name: seconds for name, seconds in sorted(table.items()) if (TESTS / name).is_file()}
    TABLE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
