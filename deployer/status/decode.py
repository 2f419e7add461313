"""From a host's answers to its state."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from deployer.backups.drill import last as last_drill
from deployer.engine.facts import Facts, Unknown
from deployer.inventory.model import Inventory
from deployer.site.maintenance import described
from deployer.status.last_backup import last_backup
from deployer.status.problems import down, warnings
from deployer.status.state import Certificate, Container, State


def state(host: Inventory, facts: Facts) -> State:
    """The state, with what is down and what needs attention. `facts` answer `questions`; any of them may be unknown."""
    answers = _Answers(facts)
    now = int(answers.text("now") or 0)
    found = State(
        containers=tuple(_containers(answers.lines("containers"), now)),
        certificate=_certificate(answers.lines("certificate"), now),
        releases=dict(_releases(answers.lines("releases"))),
        disk=_disk(answers.lines("disk")),
        memory={key: int(value) * 1024 for key, value in answers.pairs("memory").items()},
        load=answers.text("load"),
        firewall=int(answers.text("firewall") or 0) > 0,
        last_run=_json(answers.text("last run")),
        last_backup=last_backup(answers.text("last backup"), now),
        last_drill=last_drill(answers.text("last drill")),
        lock=_lock_owner(answers.text("lock")),
        maintenance=described(answers.text("maintenance")),
        unknown=answers.unknown,
    )
    return replace(found, down=tuple(down(host, found)), warnings=tuple(warnings(host, found, now)))


class _Answers:
    """Facts of which some may be unknown: they count as empty, and the reason is kept."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
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
    """For each service the tag that names the commit and the settings of its current image."""
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


def _lock_owner(text: str) -> str:
    if not text:
        return ""
    owner = _json(text)
    if "who" not in owner:
        return "a process on the host"
    return f"{owner['who']}, running '{owner.get('command', '')}' since {owner.get('since', '')}"
