"""`maintenance on|off`: visitors are told so by the proxy, from one request to the next; nothing is restarted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deployer.engine.changes import Gate, Note, Script, Stop
from deployer.engine.engine import Engine, RunContext
from deployer.engine.facts import Answer, Ask, Facts, Probes, Resolve
from deployer.engine.lock import LockOwner
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge
from deployer.run.host_run import HostRun, on_hosts
from deployer.site.compose import PROXY
from deployer.site.containers import ask_containers, containers, is_running
from deployer.site.maintenance import SAID, SWITCH, ask_switch, described
from deployer.text.shell import lines, quote, sh

NOTHING_RUNS = Note("the proxy does not run: visitors get no answer at all, now as before", "deployer status")


def maintenance(choices: Choices) -> int:
    if choices.text("state") not in ("on", "off"):
        raise UsageError(
            f"maintenance: got {choices.text('state') or 'neither on nor off'}",
            remedy="deployer maintenance on, or deployer maintenance off",
        )
    return on_hosts(choices, _maintenance)


def _maintenance(run: HostRun) -> int:
    state = run.choices.text("state")
    holder = LockOwner.here(f"maintenance {state}")
    step = Maintenance(holder, on=state == "on")
    engine = Engine(run.host, run.transport, (step,), RunContext(_no_names, run.report, run.verdicts))
    return converge(run, engine, holder)


def _no_names(asked: tuple[Resolve, ...]) -> Mapping[Resolve, Answer]:
    return {}


@dataclass(frozen=True)
class Maintenance:
    """Implements `step.Step`: the switch as it shall be; the file says who set it, and since when."""

    holder: LockOwner
    on: bool
    TITLE: str = "10. Maintenance page"

    def probes(self, host: Inventory) -> Probes:
        site = quote(host.paths.site_conf)
        return {
            "switch": ask_switch(host),
            "known": Ask(f"[ ! -e {site} ] || ! grep -qF {quote(f'(-f {SWITCH})')} {site} || echo known"),
            "containers": ask_containers(host),
        }

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        if self.on and not facts["known"]:
            raise Stop(_not_known(host))
        runs = is_running(containers(facts["containers"]), PROXY)
        if bool(facts["switch"]) == self.on:
            yield Note(f"maintenance is {described(facts['switch']) or 'off'}")
            return
        yield self._switch_on(host) if self.on else _switch_off(host, described(facts["switch"]))
        yield _proof(host, on=self.on) if runs and facts["known"] else NOTHING_RUNS

    def _switch_on(self, host: Inventory) -> Script:
        """Written beside and renamed; taken back where the proxy does not look at it."""
        why = f"switch maintenance on ({host.paths.maintenance}): 503 for all but ACME and the API's health path"
        switch, beside = host.paths.maintenance, f"{host.paths.maintenance}.new"
        content = json.dumps({"who": self.holder.who, "since": self.holder.since})
        write = f"printf '%s\\n' {quote(content)} >{quote(beside)}"
        text = lines("umask 022", write, sh("sync", beside), sh("mv", "-fT", beside, switch))
        return Script(why, text, undo=sh("rm", "-f", switch), critical=True)


def _switch_off(host: Inventory, was: str) -> Script:
    return Script(f"switch maintenance off (was {was})", sh("rm", "-f", host.paths.maintenance))


def _not_known(host: Inventory) -> Note:
    return Note(
        f"the proxy's configuration does not know the maintenance page: {host.paths.site_conf} is absent or older",
        f"deployer provision --host {host.host_name}",
    )


def _proof(host: Inventory, *, on: bool) -> Gate:
    """Asked of the proxy, at the address of every container's port: what a visitor gets from now on."""
    text = script("site/scripts/maintenance.sh", DOMAIN=host.site.domain, SAID=SAID, WANTED="on" if on else "off")
    remedy = f"the proxy does not look at this switch: deployer provision --host {host.host_name}"
    why = "the proxy answers with the maintenance page" if on else "the proxy answers without the maintenance page"
    return Gate(why, text, within=10, explain=sh("echo", remedy))


COMMAND = Command(
    maintenance,
    CHANGING,
    Option("state", "on or off"),
    argument_needed=True,
)
