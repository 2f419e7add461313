"""What `status` asks a host, and what its answers mean."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deployer.backups.drill import Drill, last
from deployer.engine.facts import Answer, Ask, Facts, Unknown
from deployer.engine.program import script
from deployer.engine.survey import parse
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker
from deployer.site import compose
from deployer.site.compose import BACKEND, DATABASE, PROXY, WALLET
from deployer.site.maintenance import ask_switch, described
from deployer.status.last_backup import LastBackup, last_backup
from deployer.status.last_backup import ask as ask_backup
from deployer.text.shell import quote


@dataclass(frozen=True)
class Container:
    """One container; `health` is empty where it has no check, `seconds` is how long it has been running."""

    service: str
    name: str
    state: str
    health: str
    image: str
    seconds: int
    restarts: int
    ports: tuple[str, ...]

    @property
    def is_up(self) -> bool:
        return self.state == "running" and self.health != "unhealthy"


@dataclass(frozen=True)
class Certificate:
    """The one that nginx serves."""

    names: tuple[str, ...]
    days_left: int
    issuer: str


@dataclass(frozen=True)
class Down:
    """Something that is not as it has to be, and the command that looks into it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class State:
    """A host at one moment. Sizes in bytes; an empty text is something that is not there, or could not be told."""

    containers: tuple[Container, ...]
    certificate: Certificate | None
    releases: Mapping[str, str]
    disk: Mapping[str, int]
    memory: Mapping[str, int]
    load: str
    firewall: bool
    last_run: Mapping[str, object]
    last_backup: LastBackup | None
    last_drill: Drill | None
    lock: str
    maintenance: str
    unknown: Mapping[str, str]
    down: tuple[Down, ...] = ()
    warnings: tuple[Down, ...] = ()


def asked(host: Inventory) -> Mapping[str, Ask]:
    """Questions by name; each may fail on its own and then is told as unknown."""
    audit = quote(host.paths.audit)
    return {
        "now": Ask("date +%s"),
        "containers": ask_docker(script("status/scripts/show_containers.sh", NAME=host.name)),
        "certificate": Ask(script("certificates/scripts/show_issued.sh", FILE=str(host.paths.certificate))),
        "releases": ask_docker(_images(host)),
        "disk": Ask(f"df -P -B1 {quote(host.root)} 2>/dev/null || df -P -B1 /"),
        "memory": Ask(
            "sed -n 's/^\\(MemTotal\\|MemAvailable\\|SwapTotal\\|SwapFree\\): *\\([0-9]*\\) kB/\\1=\\2/p' /proc/meminfo"
        ),
        "load": Ask('read -r load _ </proc/loadavg; echo "$load on $(nproc) CPUs"'),
        "firewall": Ask("iptables -S ufw-user-input 2>/dev/null | grep -c . || true"),
        "last run": Ask(f"[ ! -e {audit} ] || tail -n 1 {audit}"),
        "last backup": ask_backup(host),
        "last drill": Ask(f"tail -n 3 {quote(host.paths.drill_log)} 2>/dev/null || true"),
        "lock": Ask(_lock(host)),
        "maintenance": ask_switch(host),
    }


def _images(host: Inventory) -> str:
    names = ((service, quote(f"{compose.image(host, service)}:current")) for service in (BACKEND, WALLET))
    inspect = "docker image inspect --format '{{json .RepoTags}}'"
    shown = (f"echo {service} $({inspect} {name} 2>/dev/null)" for service, name in names)
    return "\n".join(("docker version >/dev/null || exit 3", *shown))


def _lock(host: Inventory) -> str:
    """Looked up, not tried: a lock taken for a moment would stand in the way of a run that wants it just then.

    Who has the file open holds it or waits for it. /proc/locks would leave out a lock whose first taker has ended.
    """
    lock = f"/run/lock/deployer-{host.name}.lock"
    return (
        f"[ -e {quote(lock)} ] || exit 0\n"
        f"found=$(find /proc/[0-9]*/fd -lname {quote(lock)} -print -quit 2>/dev/null || true)\n"
        f"[ -z \"$found\" ] || sed -n 2p {quote(lock + '.holder')} 2>/dev/null | grep . || echo '{{}}'"
    )


def state(host: Inventory, reply: bytes) -> State:
    questions = asked(host)
    answers = parse(reply, tuple(questions.values()))
    told = _Told({name: answers[ask] for name, ask in questions.items()})
    now = int(told.text("now") or 0)
    containers = tuple(_containers(told.lines("containers"), now))
    certificate = _certificate(told.lines("certificate"), now)
    found = State(
        containers=containers,
        certificate=certificate,
        releases=dict(_releases(told.lines("releases"))),
        disk=_disk(told.lines("disk")),
        memory={key: int(value) * 1024 for key, value in told.pairs("memory").items()},
        load=told.text("load"),
        firewall=int(told.text("firewall") or 0) > 0,
        last_run=_json(told.text("last run")),
        last_backup=last_backup(told.text("last backup"), now),
        last_drill=last(told.text("last drill")),
        lock=_holder(told.text("lock")),
        maintenance=described(told.text("maintenance")),
        unknown=told.unknown,
    )
    return replace(found, down=tuple(_down(host, found)), warnings=tuple(_warnings(host, found, now)))


class _Told:
    """Facts of which some could not be told: they count as empty, and the reason is kept."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._facts = Facts(answers)
        self.unknown: dict[str, str] = {}

    def text(self, key: str) -> str:
        try:
            return self._facts[key]
        except Unknown as unknown:
            self.unknown[key] = str(unknown)
            return ""

    def lines(self, key: str) -> tuple[str, ...]:
        return tuple(self.text(key).splitlines())

    def pairs(self, key: str) -> Mapping[str, str]:
        return dict(line.split("=", 1) for line in self.lines(key) if "=" in line)


def _containers(lines: tuple[str, ...], now: int) -> Iterator[Container]:
    for line in sorted(lines):
        service, name, status, health, image, started, ports, restarts = line.split("|")
        seconds = max(0, now - int(started)) if status == "running" else 0
        published = tuple(dict.fromkeys(ports.split()))
        yield Container(service, name.lstrip("/"), status, health, image, seconds, int(restarts), published)


def _certificate(lines: tuple[str, ...], now: int) -> Certificate | None:
    if not lines:
        return None
    *issuer, names, end = lines
    parts = dict(line.strip().split("=", 1) for line in issuer if "=" in line and line.startswith(" "))
    by = ", ".join(parts[key] for key in ("O", "CN") if key in parts)
    return Certificate(tuple(names.replace("DNS:", "").split(",")), (int(end) - now) // 86400, by)


def _releases(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """For each service the tag that says which commit and which settings its current image was built from."""
    for line in lines:
        service, _, tags = line.partition(" ")
        names = [tag.partition(":")[2] for tag in json.loads(tags or "[]")]
        yield service, next((tag for tag in names if tag != "current"), "")


def _disk(lines: tuple[str, ...]) -> Mapping[str, int]:
    if len(lines) < 2:
        return {}
    _, size, used, free, *_ = lines[-1].split()
    return {"size": int(size), "used": int(used), "free": int(free)}


def _json(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _holder(text: str) -> str:
    if not text:
        return ""
    known = _json(text)
    if "who" not in known:
        return "a process on the host"
    return f"{known['who']}, running '{known.get('command', '')}' since {known.get('since', '')}"


def _warnings(host: Inventory, found: State, now: int) -> Iterator[Down]:
    """What a person should see to, though everything is up."""
    if found.last_drill and (wrong := found.last_drill.warning(now)):
        yield Down(wrong, f"deployer drill --host {host.host_name} -v")


def _down(host: Inventory, found: State) -> Iterator[Down]:
    name = host.host_name
    if "containers" in found.unknown:
        yield Down(f"Docker does not answer: {found.unknown['containers']}", f"deployer provision --host {name}")
        return
    if not found.containers:
        yield Down("nothing is deployed here yet", f"deployer provision --host {name}")
        return
    wanted = {BACKEND: host.backend.replicas, WALLET: 1, PROXY: 1, **({DATABASE: 1} if host.postgres.enabled else {})}
    for service, number in wanted.items():
        yield from _down_of(name, service, number, tuple(item for item in found.containers if item.service == service))
    if found.certificate is None:
        yield Down("there is no certificate", f"deployer provision --host {name}")
    elif found.certificate.days_left < 0:
        yield Down("the certificate has expired", f"deployer renew --host {name}")


def _down_of(host: str, service: str, number: int, found: tuple[Container, ...]) -> Iterator[Down]:
    for item in found:
        if not item.is_up:
            yield Down(
                f"{item.name} is {item.health if item.state == 'running' else item.state}",
                f"deployer logs {service} --host {host}",
            )
    if len(found) < number:
        yield Down(f"{service}: {len(found)} of {number} containers are there", f"deployer provision --host {host}")
