"""10.1 Rollback: a kept release again, rolled out as any other: its images, configuration and environment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.engine.changes import Change, Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases import log as releases
from deployer.releases.calls import ReleaseCalls, ReleaseTarget
from deployer.releases.log import Release
from deployer.releases.rollout import SWITCHING, check_and_finish
from deployer.text.shell import quote


def ask_log(host: Inventory) -> Ask:
    log = quote(host.paths.release_log)
    return Ask(f"[ ! -e {log} ] || tail -n 1000 {log}")


def ask_kept(host: Inventory) -> Ask:
    """For each kept release, its services: lines that begin with its id."""
    directory = quote(host.paths.releases)
    return Ask(
        f"cd {directory} 2>/dev/null || exit 0\n"
        'for kept in */services; do [ ! -e "$kept" ] || sed "s|^|${kept%/services} |" "$kept"; done'
    )


def kept(answer: str) -> Mapping[str, str]:
    """The services of each kept release by its id."""
    found: dict[str, list[str]] = {}
    for line in answer.splitlines():
        release, _, service = line.partition(" ")
        found.setdefault(release, []).append(service)
    return {release: "\n".join(services) for release, services in found.items()}


@dataclass(frozen=True)
class Rollback:
    """The step that rolls back to the release with the id `target`."""

    target: str

    TITLE = "10.1 Rollback"

    def probes(self, host: Inventory) -> Probes:
        env = Ask(f"[ -s {quote(host.paths.env)} ] || echo lost")
        return {"log": ask_log(host), "kept": ask_kept(host), "env": env}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        log, services = releases.parse(facts["log"]), kept(facts["kept"])
        target = next((release for release in reversed(releases.succeeded(log)) if release.id == self.target), None)
        if target is None or target.id not in services:
            remedy = f"run `deployer releases --host {host.host_name}` for those that are kept"
            raise Stop(Note(f"release {self.target} is no longer kept", remedy))
        if facts["env"]:
            remedy = f"run `deployer provision --host {host.host_name}`: it shows how its secrets come back"
            raise Stop(Note(f"{host.paths.env} is lost, and a release has its secrets from there", remedy))
        current = releases.current(log)
        if current and current.id != target.id:
            yield from _roll_back(host, current, target, services[target.id])


def _roll_back(host: Inventory, current: Release, target: Release, services: str) -> Iterator[Change]:
    release = ReleaseTarget(target.commit, target.ref, target.configuration, target.tags, (), ())
    calls = ReleaseCalls(host, release, services)
    names = [line.partition(" ")[0] for line in services.splitlines()]
    why = f"restore configuration and environment of release {target.id} (secrets stay as they are)"
    yield Script(why, calls.without_target("restore", target.id), calls.without_target("restore", current.id))
    count = sum(int(line.split(" ")[3]) for line in services.splitlines())
    roll = calls("roll", *names)
    limit = count * host.releases.healthy_within + SWITCHING
    yield Script(f"roll back from {current.id} to {target.id} without downtime", roll, within=limit)
    yield from check_and_finish(calls)
    yield Script(f"record that {target.id} is serving again", calls("record-restored", target.id))
