"""Is there room on the host for new images: a build that would exhaust its memory or disk is refused beforehand."""

from collections.abc import Iterator

from deployer.engine.changes import Note, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker

MEMORY = 512
"""MiB that must be available (MemAvailable and free swap) before the host builds. The guide asks for 4 GB in all; the
real wallet's npm build takes about 2 GB, a small one a tenth. Below this nothing can be built without the kernel ending
something, the site perhaps; above it the build itself is what is ended (MemoryMax in build.sh)."""

DISK = {"host": 2048, "operator": 1024, "registry": 1024}
"""MiB that must be free where Docker keeps its data: the two base images, the layers upon them and npm's modules take
1.5 GB unpacked; where nothing is built the images alone have to fit."""

_MEMORY = "awk '/^(MemAvailable|SwapFree):/ { sum += $2 } END { print int(sum / 1024) }' /proc/meminfo"
_DISK = """\
root=$(docker info --format '{{.DockerRootDir}}') || exit 3
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
    there = facts["memory"]
    if host.build.where == "host" and there and int(there) < MEMORY:
        remedy = f"{_ELSEWHERE}, or add memory or swap"
        yield Note(f"only {there} MiB of memory are available, a build needs at least {MEMORY}", remedy)


def _little_disk(host: Inventory, facts: Facts) -> Iterator[Note]:
    """Before Docker is installed nothing is known of its disk; preflight has looked at the root directory's."""
    there, _, path = facts["disk"].partition(" ")
    builds, needed = host.build.where == "host", DISK[host.build.where]
    if there and int(there) < needed:
        free = f"free disk space at {path} (docker system df, docker builder prune)"
        remedy = f"{free}, or {_ELSEWHERE}: {DISK['operator']} MiB are enough" if builds else free
        what = "a build needs" if builds else "new images need"
        yield Note(f"only {there} MiB are free at {path}, {what} at least {needed}", remedy)
