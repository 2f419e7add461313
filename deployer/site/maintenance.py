"""The maintenance page: a file whose presence the proxy checks at each request, and what visitors see."""

import json
from dataclasses import dataclass

from deployer.engine.changes import Gate, Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import call
from deployer.engine.lock import LockOwner
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.site.compose import PROXY
from deployer.site.containers import ask_containers, containers, is_running
from deployer.text.printable import printable
from deployer.text.shell import lines, quote, sh

RETRY_AFTER = 300
"""Seconds. Fixed: nginx reads no number from a file without a reload, and a reload is what the switch does without."""

SWITCH = "/etc/nginx/deployer/maintenance"
"""The file as the proxy sees it, in the directory of the host that is mounted there."""


NOT_RUNNING = Note(
    "the proxy is not running: visitors get no answer at all, with or without maintenance", "deployer status"
)


def ask_switch(host: Inventory) -> Ask:
    """Empty where it is off; else `on`, and who switched it on and when, where the tool did."""
    file = quote(host.paths.maintenance)
    return Ask(f"[ ! -f {file} ] || {{ echo on; head -c 1000 {file}; }}")


def described(answer: str) -> str:
    """The answer to `ask_switch` for people; empty where it is off."""
    word, _, content = answer.partition("\n")
    try:
        known = json.loads(content)
        return printable(f"{word} since {known['since']} by {known['who']}")
    except (ValueError, KeyError, TypeError):
        return word


@dataclass(frozen=True)
class Maintenance:
    """The step that sets the switch; its file contains who set it, and since when."""

    owner: LockOwner
    on: bool
    TITLE: str = "10. Maintenance page"

    def probes(self, host: Inventory) -> Probes:
        site = quote(host.paths.site_conf)
        return {
            "switch": ask_switch(host),
            "supported": Ask(f"[ ! -e {site} ] || ! grep -qF {quote(f'(-f {SWITCH})')} {site} || echo supported"),
            "containers": ask_containers(host),
        }

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        if self.on and not facts["supported"]:
            raise Stop(_unsupported(host))
        runs = is_running(containers(host, facts["containers"]), PROXY)
        if bool(facts["switch"]) == self.on:
            yield Note(f"maintenance is {described(facts['switch']) or 'off'}")
            return
        yield self._switch_on(host) if self.on else _switch_off(host, described(facts["switch"]))
        yield _proof(host, on=self.on) if runs and facts["supported"] else NOT_RUNNING

    def _switch_on(self, host: Inventory) -> Script:
        """Written to a temporary name and renamed; undone where the proxy does not check it."""
        why = f"switch maintenance on ({host.paths.maintenance}): 503 for all but ACME and the API's health path"
        switch, new = host.paths.maintenance, f"{host.paths.maintenance}.new"
        content = json.dumps({"who": self.owner.who, "since": self.owner.since})
        write = f"printf '%s\\n' {quote(content)} >{quote(new)}"
        text = lines("umask 022", write, sh("sync", new), sh("mv", "-fT", new, switch))
        return Script(why, text, undo=sh("rm", "-f", switch), critical=True)


def _switch_off(host: Inventory, was: str) -> Script:
    return Script(f"switch maintenance off (was {was})", sh("rm", "-f", host.paths.maintenance))


def _unsupported(host: Inventory) -> Note:
    return Note(
        f"the proxy's configuration has no maintenance page: {host.paths.site_conf} is missing or out of date",
        f"run `deployer provision --host {host.host_name}`",
    )


def _proof(host: Inventory, *, on: bool) -> Gate:
    """Whether the proxy's answers follow the switch."""
    text = call(host, "proxy", "maintenance", "on" if on else "off")
    remedy = f"the proxy ignores the switch: run `deployer provision --host {host.host_name}`"
    why = "the proxy answers with the maintenance page" if on else "the proxy answers without the maintenance page"
    return Gate(why, text, within=10, explain=sh("echo", remedy))
