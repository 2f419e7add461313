"""7.4 Start: backend and wallet, started alongside the old release, gated on health, switched to, recorded."""

from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases.calls import ReleaseCalls, ReleaseTarget, services
from deployer.releases.history import repair
from deployer.releases.images import ask_images
from deployer.releases.rollout import clear_assets, own_directories, record, roll_out
from deployer.releases.serving import Serving, configuration, probes_of_serving
from deployer.releases.source import ask_serving
from deployer.steps import environment

TITLE = "7.4 Start containers"


def probes(host: Inventory) -> Probes:
    return {
        **environment.probes(host),
        "commit": ask_serving(host),
        "images": ask_images(host),
        **probes_of_serving(host),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    serving = Serving(host, facts, environment.renewed(host, facts))
    calls = ReleaseCalls(host, _target(serving), services(host, serving.tags))
    yield from repair(host, serving.history)
    yield from clear_assets(serving, calls)
    yield from own_directories(serving, calls)
    yield from roll_out(serving, calls)
    yield from record(serving, calls)


def _target(serving: Serving) -> ReleaseTarget:
    host, facts = serving.host, serving.facts
    _, *present = facts.lines("env") or ("",)
    return ReleaseTarget(
        commit=facts["commit"],
        ref=host.source.ref,
        configuration=configuration(host),
        images=serving.tags,
        environment=environment.wanted(host, tuple(present)),
        keep=serving.history.keep(host.releases.retain - 1),
    )
