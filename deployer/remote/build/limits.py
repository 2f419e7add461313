"""The limits of a build on the host: little weight, and not all of the memory, so that the site stays quick."""

import re
from pathlib import Path

from deployer.remote.process import succeed

SLICE = "deployerbuild.slice"
"""Where the commands of Dockerfiles run on the host; a dash in its name would make it a part of another slice."""
WEIGHT = 10
"""system.slice, where the site is, has 100."""
SHARE = 0.9
"""Of the memory that is available when a build begins."""
SECONDS = 60.0
MEMORY = Path("/proc/meminfo")
GROUPS = Path("/sys/fs/cgroup")


def apply(name: str) -> tuple[str, ...]:
    """Set the limits of a slice, and return the options of `docker buildx build` that put a build into it.

    A plain name: BuildKit in dockerd makes /SLICE/buildkit/ID of it. With a colon at its end, as dockerd's own
    cgroup-parent has it, the processes end up in system.slice together with the site (buildkit,
    executor/oci/spec.go; seen with Docker 26.1).
    """
    available = re.search(r"^MemAvailable: *(\d+)", MEMORY.read_text(), re.MULTILINE)
    memory = int(int(available[1]) * SHARE) if available else "infinity"
    limits = (f"CPUWeight={WEIGHT}", f"IOWeight={WEIGHT}", f"MemoryMax={memory}{'K' if available else ''}")
    succeed("systemctl", "start", name, limit=SECONDS)
    succeed("systemctl", "set-property", "--runtime", name, *limits, limit=SECONDS)
    return ("--cgroup-parent", name, "--builder", "default")


def killed(name: str) -> int:
    """How many processes of a slice the kernel has killed because memory ran out, since the slice was started."""
    events = GROUPS / name / "memory.events"
    found = re.search(r"^oom_kill (\d+)$", events.read_text() if events.is_file() else "", re.MULTILINE)
    return int(found[1]) if found else 0
