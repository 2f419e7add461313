"""Everything a run could change on a host, by name, to prove that nothing was changed.

A file that was written, replaced, moved or given another mode has another inode, or another time of change, which
nobody can set back: its content need not be read. So two digests are of one host, without a reboot between them.

before = digest(host); ...; assert difference(before, digest(host)) == []
"""

import re
import shlex
from collections.abc import Iterator, Mapping

from testbed.host import TestHost

EXCLUDED: Mapping[str, str] = {
    "/proc": "the kernel's",
    "/sys": "the kernel's",
    "/dev": "made at boot",
    "/run": "lost at a reboot; sudo's tickets are in /run/sudo",
    "/tmp": "lost at a reboot",
    "/var/log/journal": "every login writes to it",
    "/var/log/wtmp": "who logged in",
    "/var/log/btmp": "who failed to log in",
    "/var/log/lastlog": "when a user logged in last",
    "/var/lib/lastlog": "the same, in Debian 13",
    "/var/lib/wtmpdb": "the same as wtmp, in Debian 13",
    "/var/log/auth.log": "logins, where a syslog daemon runs",
    "/var/log/syslog": "where a syslog daemon runs",
    "/var/lib/sudo/lectured": "sudo notes whom it has lectured",
    "/var/lib/systemd/timers": "when systemd's own timers ran",
    "/var/lib/systemd/random-seed": "written at shutdown",
    "/var/lib/docker": "its files change all the time: `docker` lists containers, images, networks, volumes",
    "/var/lib/containerd": "the working files of Docker's runtime",
}
"""Paths left out with all below them, each with the reason."""

DOCKER_VOLUMES = "/var/lib/docker/volumes"
_ENTRY = r"%y\t%m\t%U:%G\t%i\t%s\t%T@\t%C@\t%l\t%p\0"
DIGEST_SECONDS = 180

LISTS: Mapping[str, str] = {
    "package": r"dpkg-query -W -f '${Package}:${Architecture}\t${Version} ${db:Status-Abbrev}\n'",
    "unit": "systemctl list-unit-files --no-legend --no-pager | awk '{print $1 \"\\t\" $2}'",
    "ufw": "! command -v ufw >/dev/null || ufw status verbose | awk '{print $0 \"\\t\" NR}'",
    "iptables": "! command -v iptables-save >/dev/null || iptables-save",
    "ip6tables": "! command -v ip6tables-save >/dev/null || ip6tables-save",
    "docker container": "docker_says ps -a --no-trunc --format"
    " '{{.Names}}\t{{.ID}} {{.Image}} {{.State}} {{.CreatedAt}} {{.Ports}}'",
    "docker image": "docker_says images --no-trunc --all --format '{{.Repository}}:{{.Tag}} {{.ID}}\t'",
    "docker network": "docker_says network ls --no-trunc --format '{{.Name}}\t{{.ID}} {{.Driver}}'",
    "docker volume": "docker_says volume ls --format '{{.Name}}\t{{.Driver}}'",
}
"""What is asked of the host beside its files: lines of a name and, after a tab, what it is."""

_DOCKER_SAYS = 'docker_says() { ! docker info >/dev/null 2>&1 || docker "$@"; }'
_COUNTERS = re.compile(r"\[\d+:\d+\]")


def digest(host: TestHost) -> dict[str, str]:
    """Everything about a host that a run could change: what it is, by a name that says where."""
    found = {f"file {name}": value for name, value in _files(host).items()}
    for kind, command in LISTS.items():
        answer = host.exec(f"{_DOCKER_SAYS}; {command}", seconds=DIGEST_SECONDS).stdout
        found |= dict(_lines(kind, answer))
    return found


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What was added, removed and changed between two digests, one line each."""
    lines = [f"added {name}: {after[name]}" for name in sorted(after.keys() - before.keys())]
    lines += [f"removed {name}: {before[name]}" for name in sorted(before.keys() - after.keys())]
    both = sorted(before.keys() & after.keys())
    return lines + [f"changed {name}: {before[name]} -> {after[name]}" for name in both if before[name] != after[name]]


def _files(host: TestHost) -> dict[str, str]:
    pruned = " -o ".join(f"-path {shlex.quote(path)}" for path in EXCLUDED)
    places = f"/ \\( {pruned} \\) -prune -o"
    listing = [
        _find(places, f"-printf {shlex.quote(_ENTRY)}"),
        _find(DOCKER_VOLUMES, f"-printf {shlex.quote(_ENTRY)}"),
    ]
    return dict(_entries(host.exec("; ".join(listing), seconds=DIGEST_SECONDS).stdout))


def _find(places: str, action: str) -> str:
    return f"find {places} {action} 2>/dev/null || true"


def _entries(listing: str) -> Iterator[tuple[str, str]]:
    """A regular file is its mode, owner, inode, size and times; of all else size and times say nothing."""
    for record in listing.split("\0"):
        if record:
            kind, mode, owner, inode, size, written, changed, target, path = record.split("\t", 8)
            rest = f"inode {inode}, {size} bytes {written}, {changed}" if kind == "f" else target
            yield path, f"{kind} {mode} {owner} {rest}".rstrip()


def _lines(kind: str, answer: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(answer.splitlines()):
        if line and not line.startswith("#"):
            name, _, value = line.partition("\t")
            # The order of firewall rules matters, and they may be there twice.
            place = f" {number}" if "tables" in kind else ""
            yield f"{kind}{place} {_COUNTERS.sub('', name).strip()}", value
