"""Whether the host has memory and disk for new images: a build that would exhaust them is refused."""

from collections.abc import Iterator

from deployer.engine.changes import Note, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker

MEMORY = 512
"""MiB that must be available (MemAvailable and free swap) before the host builds. The guide asks for 4 GB in all; the
real wallet's npm build takes about 2 GB, a small one a tenth. Below this limit the kernel would kill something, perhaps
the site; above it the kernel kills the build itself (MemoryMax in remote/build/limits.py)."""

DISK = {"host": 2048, "operator": 1024, "registry": 1024}
"""MiB that must be free where Docker keeps its data: the two base images, the layers on top and npm's modules take
1.5 GB unpacked; where nothing is built the images alone have to fit."""

_MEMORY = "awk '/^(MemAvailable|SwapFree):/ { sum += $2 } END { print int(sum / 1024) }' /proc/meminfo"
_DISK = """\
root=$(sed -n 's/.*"data-root": *"\\([^"]*\\)".*/\\1/p' /etc/docker/daemon.json 2>/dev/null)
[ -d "${root:=/var/lib/docker}" ] || root=$(docker info --format '{{.DockerRootDir}}') || exit 3
df -Pm "$root" | awk -v root="$root" 'NR == 2 { print $4, root }'"""

_ELSEWHERE = 'set [build] where = "operator" (built on your machine, then sent) or "registry" (pulled)'


def probes() -> Probes:
    return {"memory": Ask(_MEMORY), "disk": ask_docker(_DISK)}


def refuse_little(host: Inventory, facts: Facts) -> None:
    """Raises Stop where new images do not fit."""
    problems = (*_little_memory(host, facts), *_little_disk(host, facts))
    if problems:
        raise Stop(*problems)


def _little_memory(host: Inventory, facts: Facts) -> Iterator[Note]:
    available = facts["memory"]
    if host.build.where == "host" and available and int(available) < MEMORY:
        remedy = f"{_ELSEWHERE}, or add memory or swap"
        yield Note(f"only {available} MiB of memory are available; a build needs at least {MEMORY} MiB", remedy)


def _little_disk(host: Inventory, facts: Facts) -> Iterator[Note]:
    """Before Docker is installed nothing is known of its disk; preflight has checked the root directory's."""
    available, _, path = facts["disk"].partition(" ")
    builds, needed = host.build.where == "host", DISK[host.build.where]
    if available and int(available) < needed:
        free = f"free disk space on {path} (see docker system df, docker builder prune)"
        remedy = f"{free}, or {_ELSEWHERE}: {DISK['operator']} MiB are enough" if builds else free
        what = "a build needs" if builds else "new images need"
        yield Note(f"only {available} MiB are free on {path}; {what} at least {needed} MiB", remedy)
