"""7.4 Start: backend and wallet, brought up beside what serves, gated on health, switched to by the proxy, recorded."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from deployer.engine.changes import Change, Script
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases import log as releases
from deployer.releases.rollout import FINISHING, look_and_finish
from deployer.releases.scripts.functions import ReleaseTarget, release_functions, services
from deployer.resources.docker import ask_docker
from deployer.site import compose
from deployer.site.compose import BACKEND, config_digests
from deployer.site.containers import Container, ask_containers, containers
from deployer.site.env import lines as environment_lines
from deployer.site.nginx import nginx_conf, site_conf
from deployer.steps import environment, images
from deployer.steps.images import SERVICES, known, tags
from deployer.steps.nginx import first_upstreams
from deployer.text.shell import lines, quote, sh

TITLE = "7.4 Start containers"


def probes(host: Inventory) -> Probes:
    upstreams = quote(first_upstreams(host).path)
    log = quote(host.paths.release_log)
    serving = "|".join(releases.SERVING)
    ids = rf"""sed -nE 's/^\{{"id": "([^"]*)".*"result": "({serving})".*/\1/p' {log}"""
    return {
        **environment.probes(host),
        "commit": images.probes(host)["commit"],
        "images": images.probes(host)["images"],
        "containers": ask_containers(host),
        "chosen": Ask(f"[ ! -e {upstreams} ] || sed -n 's/^ *server \\([^:]*\\):.*/\\1/p' {upstreams}"),
        "user": Ask(f"cat {quote(host.paths.state / 'backend.user')} 2>/dev/null || true"),
        "owners": Ask(f"stat -c %u:%g {quote(host.paths.logs)} {quote(host.paths.data)} 2>/dev/null || true"),
        "begun": Ask(f"[ ! -e {quote(host.paths.releases / '.next')} ] || echo yes"),
        "current": Ask(f"""[ ! -e {log} ] || sed -nE '/"result": "({serving})"/p' {log} | tail -n 1"""),
        **({"stale": _ask_stale(host)} if host.postgres.enabled else {}),
        "served": Ask(f"[ ! -e {log} ] || {ids} | tac | awk '!seen[$0]++' | head -n {host.releases.retain}"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    wanted, found = tags(host, facts["commit"]), containers(facts["containers"])
    functions = release_functions(host, _going(host, facts), services(host, wanted))
    good = {service: _good(host, facts, found, service) for service in SERVICES}
    to_roll = tuple(service for service in SERVICES if len(good[service]) != _replicas(host, service))
    if not _owned(facts, wanted[BACKEND]):
        yield _own(host, functions, wanted[BACKEND])
    if to_roll:
        yield from _roll(host, facts, found, to_roll, functions)
    else:
        yield from _tidy(found, good, functions)
    yield from _name_current(facts, {name: tag for name, tag in wanted.items() if name not in to_roll})
    if _recorded(host, facts):
        yield from _forget(facts, functions, to_roll)
    else:
        begun = () if to_roll else ("keep_assets",)  # a roll-out does that itself, before the switch
        yield Script("record the release, and forget what is older than those kept", lines(functions, *begun, "record"))


def configuration(host: Inventory) -> str:
    """A digest of what a release is configured with: the files of it that the tool owns, and .env without secrets."""
    texts = (compose.text(host), nginx_conf(host), site_conf(host), *environment_lines(host))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


# -- what there is -----------------------------------------------------------------------------------------------------


def _replicas(host: Inventory, service: str) -> int:
    return host.backend.replicas if service == BACKEND else 1


def _good(host: Inventory, facts: Facts, found: Sequence[Container], service: str) -> tuple[Container, ...]:
    image = known(facts).get(tags(host, facts["commit"])[service], "")
    return tuple(
        item
        for item in found
        if item.service == service
        and (item.state, item.image) == ("running", image)
        and item.health != "unhealthy"
        and item.config == config_digests(host)[service]
        and item.name in facts.lines("chosen")
        and not (service == BACKEND and _cut_off(host, facts, item.name))
    )


def _cut_off(host: Inventory, facts: Facts, name: str) -> bool:
    """It has another password of the database than .env has, or will have in a moment."""
    return host.postgres.enabled and (name in facts.lines("stale") or environment.password_changes(host, facts))


def _ask_stale(host: Inventory) -> Ask:
    """The backends that were started with another DATABASE_URL than stands in .env."""
    return ask_docker(script("releases/scripts/show_stale.sh", NAME=host.name, ENV_FILE=str(host.paths.env)))


def _serving(facts: Facts, found: Sequence[Container], service: str) -> tuple[Container, ...]:
    chosen = facts.lines("chosen")
    return tuple(item for item in found if item.service == service and item.state == "running" and item.name in chosen)


def _owned(facts: Facts, tag: str) -> bool:
    users = dict(line.split(" ") for line in facts.lines("user"))
    wanted = users.get(known(facts).get(tag, ""), "")
    return bool(wanted) and facts.lines("owners") == (wanted, wanted)


def _recorded(host: Inventory, facts: Facts) -> bool:
    last = releases.current(releases.parse(facts["current"]))
    wanted = (facts["commit"], configuration(host), tags(host, facts["commit"]))
    return last is not None and (last.commit, last.configuration, dict(last.tags)) == wanted


def _going(host: Inventory, facts: Facts) -> ReleaseTarget:
    _, *present = facts.lines("env") or ("",)
    return ReleaseTarget(
        commit=facts["commit"],
        ref=host.source.ref,
        configuration=configuration(host),
        images=tags(host, facts["commit"]),
        environment=environment.wanted(host, tuple(present)),
        keep=facts.lines("served")[: host.releases.retain - 1],
    )


# -- what is done ------------------------------------------------------------------------------------------------------


def _roll(
    host: Inventory, facts: Facts, found: Sequence[Container], services: Sequence[str], functions: str
) -> Iterator[Change]:
    serving = {service: _serving(facts, found, service) for service in services}
    why = "; ".join(_why(host, facts, service, serving[service]) for service in services)
    limit = sum(_replicas(host, service) for service in services) * host.releases.healthy_within + 2400
    known_one = ("forget_next",) if _recorded(host, facts) else ()  # containers anew of a release that is kept already
    yield Script(why, lines(functions, f"roll {quote(' '.join(services))}", *known_one), within=limit)
    if any(serving.values()):
        yield from look_and_finish(functions)


def _why(host: Inventory, facts: Facts, service: str, serving: Sequence[Container]) -> str:
    if not serving:
        return f"start {service} and wait until it is healthy"
    gap = "with no gap" if host.backend.overlap or service != BACKEND else "with a gap: it must not run twice"
    return f"replace {service} ({_reason(host, facts, service, serving)}) {gap}"


def _reason(host: Inventory, facts: Facts, service: str, serving: Sequence[Container]) -> str:
    if any(item.image != known(facts).get(tags(host, facts["commit"])[service]) for item in serving):
        return "its image is another"
    if any(item.health == "unhealthy" for item in serving):
        return "it is unhealthy"
    if service == BACKEND and any(_cut_off(host, facts, item.name) for item in serving):
        return "the database's password is another"
    return "its settings or its number changed"


def _tidy(found: Sequence[Container], good: Mapping[str, Sequence[Container]], functions: str) -> Iterator[Change]:
    left = [item.name for item in found if item.service in good and item not in good[item.service]]
    if left:
        yield Script(
            f"remove what an earlier run left: {', '.join(left)}", lines(functions, "finish"), within=FINISHING
        )


def _name_current(facts: Facts, wanted: Mapping[str, str]) -> Iterator[Change]:
    there = known(facts)
    wrong = [tag for tag in wanted.values() if there.get(tag) != there.get(f"{tag.partition(':')[0]}:current")]
    if wrong:
        renamed = (sh("docker", "tag", tag, f"{tag.partition(':')[0]}:current") for tag in wrong)
        yield Script("name the images that serve `current` again", lines(*renamed))


def _forget(facts: Facts, functions: str, to_roll: Sequence[str]) -> Iterator[Change]:
    if facts["begun"] and not to_roll:
        yield Script("remove what is left of a release that was broken off", lines(functions, "forget_next"))


def _own(host: Inventory, functions: str, image: str) -> Script:
    own = f"own_directories {quote(image)} {sh(host.paths.logs, host.paths.data)}"
    why = f"give {host.paths.logs} and {host.paths.data} to the user of the backend's image"
    return Script(why, lines(functions, own))
