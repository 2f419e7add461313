"""2. Prerequisites: what the guide requires of a server before anything is changed; each passes, warns or stops."""

from collections.abc import Iterator

from deployer.engine.changes import Note, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_api
from deployer.resources.services import CLOCKS, ask_active
from deployer.site.resolution import ask_names, wrong_names
from deployer.text.shell import quote

TITLE = "2. Prerequisites"

SUPPORTED = {("ubuntu", "22.04"), ("ubuntu", "24.04"), ("debian", "12"), ("debian", "13")}
"""Those that are tested; Debian 11 and CentOS 8 of the guide are past their end of life."""

GIB = 1024 * 1024  # in KiB, the unit of /proc/meminfo and df -k

# /proc/locks identifies a locked file by its inode; dpkg's own lock is an fcntl lock, which flock(1) would not see.
_APT_LOCK_OWNER = """\
[ -e /var/lib/dpkg/lock-frontend ] || exit 0
inode=$(stat -c %i /var/lib/dpkg/lock-frontend)
pid=$(awk -v inode=":$inode" '$2 == "POSIX" && $0 ~ inode" " {print $5; exit}' /proc/locks)
[ -z "$pid" ] || printf '%s %s\\n' "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null)"
"""
_CLOUD_INIT = "if [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/result.json ]; then echo running; fi"
_PUBLISHERS = "docker ps --format '{{.Label \"com.docker.compose.project\"}} {{.Ports}}'"


def probes(host: Inventory) -> Probes:
    nearest = f'path={quote(host.root)}; until [ -e "$path" ]; do path=$(dirname "$path"); done'
    free = f'{nearest}; df -Pk / "$path" | tail -n +2'
    return {
        "os": Ask("cat /etc/os-release"),
        "architecture": Ask("uname -m"),
        "memory": Ask("awk '/^MemTotal/ {print $2}' /proc/meminfo"),
        "processors": Ask("nproc"),
        "disk": Ask(free),
        **{f"clock {name}": ask_active(f"{name}.service", host) for name in CLOCKS},
        "cloud-init": Ask(_CLOUD_INIT),
        "apt": Ask(_APT_LOCK_OWNER),
        "systemd": Ask("[ -d /run/systemd/system ] && echo yes; true"),
        "listeners": Ask("ss -Hltnp '( sport = :80 or sport = :443 )'"),
        "publishers": ask_api(host, "publishers", otherwise=_PUBLISHERS),
        "addresses": Ask("ip -o addr show scope global | awk '{print $4}'"),
        **ask_names(host),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    problems = tuple(_problems(host, facts))
    if problems:
        raise Stop(*problems)
    yield from _notes(host, facts)


def _problems(host: Inventory, facts: Facts) -> Iterator[Note]:
    yield from _system(facts)
    yield from _disk_space(facts)
    yield from _ports(host, facts)
    if host.tls.mode == "letsencrypt":
        yield from wrong_names(host, facts)


def _notes(host: Inventory, facts: Facts) -> Iterator[Note]:
    yield from _small(facts)
    if "active" not in {facts[f"clock {name}"] for name in CLOCKS}:
        yield Note(
            "the clock is not synchronised, and certificates depend on it",
            "run on the host: apt-get install systemd-timesyncd",
        )
    if facts["apt"]:
        yield Note(f"apt is in use (process {facts['apt']}): installing packages will wait up to 10 minutes for it")
    if facts["cloud-init"]:
        yield Note("cloud-init is still running: installing packages will wait up to 10 minutes for it")
    if host.tls.mode != "letsencrypt":
        yield from wrong_names(host, facts)


def _small(facts: Facts) -> Iterator[Note]:
    """Below the guide's minimums (4 GB of memory, 2 cores, 20 GB of disk), less what a provider may reserve."""
    memory = int(facts["memory"])
    if memory < 3.7 * GIB:
        remedy = 'if builds run out of memory, set [build] where = "operator" to build on your machine'
        yield Note(f"the host has {memory / GIB:.1f} GiB of memory; the guide requires 4", remedy)
    if int(facts["processors"]) < 2:
        yield Note("the host has one processor; the guide requires 2")
    for mount, total, _ in _disks(facts):
        if total < 18 * GIB:
            yield Note(f"{mount} has {total / GIB:.0f} GiB in all; the guide requires 20")


def _system(facts: Facts) -> Iterator[Note]:
    release = {key: value.strip('"') for key, value in facts.pairs("os").items()}
    name, version = release.get("ID", "unknown"), release.get("VERSION_ID", "unknown")
    if (name, version) not in SUPPORTED:
        yield Note(
            f"{release.get('PRETTY_NAME', f'{name} {version}')} is not supported",
            "use a server with Ubuntu 22.04, Ubuntu 24.04, Debian 12 or Debian 13",
        )
    if facts["architecture"] not in ("x86_64", "aarch64"):
        yield Note(f"the architecture {facts['architecture']} is not supported", "use amd64 or arm64")
    if not facts["systemd"]:
        yield Note(
            "systemd is not running on this host", "use a server or virtual machine, not an application container"
        )


def _disks(facts: Facts) -> Iterator[tuple[str, int, int]]:
    for line in dict.fromkeys(facts.lines("disk")):
        _, total, _, free, _, mount = line.split(maxsplit=5)
        yield mount, int(total), int(free)


def _disk_space(facts: Facts) -> Iterator[Note]:
    for mount, _, free in _disks(facts):
        if free < 2 * GIB:
            yield Note(
                f"{mount} has only {free // 1024} MiB free; at least 2048 MiB are required",
                f"free space on {mount} (see docker system df, apt-get clean, journalctl --disk-usage), or enlarge it",
            )


def _ports(host: Inventory, facts: Facts) -> Iterator[Note]:
    if not facts["listeners"]:
        return  # also where Docker is down and cannot list what it publishes
    ours = {port for port in ("80", "443") for line in facts.lines("publishers") if _publishes(host, line, port)}
    for line in facts.lines("listeners"):
        port = line.split()[3].rpartition(":")[2]
        if port not in ours:
            process = line.partition('users:(("')[2].partition('"')[0] or "another process"
            yield Note(
                f"port {port} is in use by {process}",
                f"stop {process} and disable it, for example with `systemctl disable --now {process}`",
            )


def _publishes(host: Inventory, line: str, port: str) -> bool:
    project, _, ports = line.partition(" ")
    return project == host.name and f":{port}->" in ports
