"""What a host has used of this machine's CPU, read from its control group before it is removed.

The group of its container counts all, and begins anew at each start. With cgroup v1 beside v2 the host also made a
group of its own (see recipes/host/entry.sh), which outlives its reboots but does not have what `docker exec` runs.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from testbed.cgroups import UNIFIED

SYSTEM = Path("/sys/fs/cgroup")

USED: defaultdict[str, float] = defaultdict(float)
"""CPU seconds of the hosts that this process has removed, by the file of the test that ran then."""


def record_cpu(identifier: str, hostname: str) -> None:
    """Given a host that is about to be removed, add what it used to the file of the test that runs."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    USED[test.partition("::")[0]] += cpu_seconds(identifier, hostname)


def cpu_seconds(identifier: str, hostname: str) -> float:
    """What a host has used, by the group that saw most of it; 0 where none can be seen."""
    return max(_read(file, parse) for file, parse in _places(identifier, hostname))


def of_stat(text: str) -> float:
    """The seconds in a group's cpu.stat (cgroup v2)."""
    fields = dict(line.split()[:2] for line in text.splitlines())
    return int(fields.get("usage_usec", 0)) / 1e6


def of_usage(text: str) -> float:
    """The seconds in a group's cpuacct.usage (cgroup v1)."""
    return int(text) / 1e9


def _places(identifier: str, hostname: str) -> Iterator[tuple[Path, Callable[[str], float]]]:
    yield UNIFIED / hostname / "cpu.stat", of_stat
    yield SYSTEM / "cpuacct" / "docker" / identifier / "cpuacct.usage", of_usage
    yield SYSTEM / "system.slice" / f"docker-{identifier}.scope" / "cpu.stat", of_stat
    yield SYSTEM / "docker" / identifier / "cpu.stat", of_stat


def _read(file: Path, parse: Callable[[str], float]) -> float:
    try:
        return parse(file.read_text())
    except (OSError, ValueError):
        return 0.0
