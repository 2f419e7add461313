"""10.1 Rollback: a kept release again, by the same road: its images, its configuration and its environment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.engine.changes import Change, Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases import log as releases
from deployer.releases.log import Release
from deployer.releases.rollout import look_and_finish
from deployer.releases.scripts.functions import ReleaseTarget, release_functions
from deployer.text.shell import lines, quote


def ask_log(host: Inventory) -> Ask:
    log = quote(host.paths.release_log)
    return Ask(f"[ ! -e {log} ] || tail -n 1000 {log}")


def ask_kept(host: Inventory) -> Ask:
    """For each release that can come back, its services: lines that begin with its id."""
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
    """The step that brings the host to the release of this id."""

    target: str

    TITLE = "10.1 Rollback"

    def probes(self, host: Inventory) -> Probes:
        return {"log": ask_log(host), "kept": ask_kept(host)}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        log, services = releases.parse(facts["log"]), kept(facts["kept"])
        target = next((release for release in reversed(releases.succeeded(log)) if release.id == self.target), None)
        if target is None or target.id not in services:
            raise Stop(
                Note(f"the release {self.target} is not kept any more", f"deployer releases -H {host.host_name}")
            )
        current = releases.current(log)
        if current and current.id != target.id:
            yield from _go(host, current, target, services[target.id])


def _go(host: Inventory, current: Release, target: Release, services: str) -> Iterator[Change]:
    going = ReleaseTarget(target.commit, target.ref, target.configuration, target.tags, (), ())
    functions = release_functions(host, going, services)
    names = " ".join(line.partition(" ")[0] for line in services.splitlines())
    why = f"put back configuration and environment of release {target.id} (secrets stay as they are)"
    yield Script(why, lines(functions, f"restore {quote(target.id)}"), lines(functions, f"restore {quote(current.id)}"))
    copies = sum(int(line.split(" ")[3]) for line in services.splitlines())
    roll = lines(functions, f"roll {quote(names)}")
    yield Script(
        f"replace {current.id} by {target.id} with no gap", roll, within=copies * host.releases.healthy_within + 2400
    )
    yield from look_and_finish(functions)
    yield Script(f"record that {target.id} serves again", lines(functions, f"record_restored {quote(target.id)}"))
