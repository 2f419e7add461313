"""Secrets that a release had and .env has no longer: they come back from somewhere, and are never made anew unasked.

New ones would end every session, and what was encrypted or signed with the former ones would be lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.engine.changes import Note, Stop
from deployer.engine.facts import Answer, Ask, Facts
from deployer.engine.host_program import call
from deployer.engine.step import Plan, StepVariant
from deployer.inventory.model import Inventory
from deployer.site.compose import BACKEND
from deployer.site.containers import Container, containers
from deployer.site.env import secret_names
from deployer.text.shell import quote


def ask_remains(host: Inventory) -> Ask:
    """What is left of earlier releases, a line each: `release`, `secret NAME` for those that it had, `backup TIME`."""
    releases, log = quote(host.paths.releases), quote(host.paths.release_log)
    backups = f"{quote(host.backup.directory)}/{quote(host.name)}_"
    return Ask(
        f"[ ! -s {log} ] || echo release\n"
        f"for kept in {releases}/*/environment; do\n"
        '  [ ! -e "$kept" ] || { echo release; sed -n \'s/^\\(.*\\)=\\[secret\\]$/secret \\1/p\' "$kept"; }\n'
        "done\n"
        f'latest=; for backup in {backups}*/manifest.json; do [ ! -e "$backup" ] || latest=${{backup%/*}}; done\n'
        f'[ -z "$latest" ] || echo "backup ${{latest#{backups}}}"'
    )


def refuse_lost(host: Inventory, facts: Facts, present: tuple[str, ...]) -> None:
    """Raises Stop, with the ways back, where .env lacks secrets that a release had. `present` are those in .env."""
    missing = tuple(name for name in secret_names(host) if name not in host.secrets and name not in present)
    if not missing:
        return
    backends = tuple(item for item in containers(host, facts["containers"]) if item.service == BACKEND)
    remains = facts.lines("remains")
    had = {line.partition(" ")[2] for line in remains if line.startswith("secret ")}
    had |= {name for item in backends for name in item.variables}
    is_empty = len(facts.lines("env")) < 2
    any_release = "release" in remains or backends
    lost = tuple(name for name in missing if name in had or (is_empty and any_release))
    if lost:
        names = ", ".join(lost)
        what = f"{host.paths.env} is lost: it has no {names}" if is_empty else f"{host.paths.env} has lost {names}"
        text = f"{what}, which a release had; new secrets are made only where there was never one"
        raise Stop(Note(text, "; or ".join(_ways(host, lost, backends, remains))))


def _ways(
    host: Inventory, lost: tuple[str, ...], backends: tuple[Container, ...], remains: tuple[str, ...]
) -> Iterator[str]:
    """From the container that runs, from the latest backup, or from the operator."""
    for item in backends[:1]:
        known = [name for name in lost if name in item.variables]
        if item.state == "running" and known:
            recover = call(host, "environment", "recover")
            yield f"take them from {item.name}, which has {', '.join(known)}: run on the host: sudo {recover}"
    latest = [line.partition(" ")[2] for line in remains if line.startswith("backup ")]
    for time in latest:
        restore = f"deployer restore --host {host.host_name} --only config --ts {time}"
        yield f"take .env from the latest backup: {restore}"
    yield f"choose new ones knowingly: set {', '.join(lost)} in {host.file.with_suffix('.env')}"


@dataclass(frozen=True)
class ToBeRestored(StepVariant):
    """Section 6 where .env itself is about to come from a backup: what is missing is made, and replaced by it."""

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        nothing_left = {"remains": Answer(""), "containers": Answer("")}
        return self.step.plan(host, Facts({**facts.answers, **nothing_left}))
