"""Control groups that a host made on a machine with cgroup v1, and that outlive its container (see
recipes/host/entry.sh).
"""

from contextlib import suppress
from pathlib import Path

UNIFIED = Path("/sys/fs/cgroup/unified/testbed")


def remove_group(hostname: str) -> None:
    """Remove the empty groups of a host that is gone, where they can be seen and removed."""
    top = UNIFIED / hostname
    if not top.is_dir():
        return
    groups = [path for path in top.rglob("*") if path.is_dir()]
    for group in sorted([top, *groups], key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            group.rmdir()
