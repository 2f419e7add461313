"""The maintenance page: a file that the proxy looks for at each request, and what visitors are told."""

import json

from deployer.engine.facts import Ask
from deployer.inventory.model import Inventory
from deployer.text.printable import printable
from deployer.text.shell import quote

SAID = "Down for maintenance"

RETRY_AFTER = 300
"""Seconds. Fixed: nginx reads no number from a file without a reload, and a reload is what the switch does without."""

SWITCH = "/etc/nginx/deployer/maintenance"
"""The file as the proxy sees it, in the directory of the host that is mounted there."""


def ask_switch(host: Inventory) -> Ask:
    """Empty where it is off; else `on`, and who switched it on and when, where the tool did that."""
    file = quote(host.paths.maintenance)
    return Ask(f"[ ! -f {file} ] || {{ echo on; head -c 1000 {file}; }}")


def described(answer: str) -> str:
    """What `ask_switch` was answered, for people; empty where it is off."""
    word, _, content = answer.partition("\n")
    try:
        known = json.loads(content)
        return printable(f"{word} since {known['since']} by {known['who']}")
    except (ValueError, KeyError, TypeError):
        return word
