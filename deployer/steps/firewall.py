"""7.6 Configure firewall: ufw, with SSH allowed first, and switched off again unless a second login succeeds."""

import re
from collections.abc import Iterator

from deployer.engine.changes import Change, Note, Script, SecondLogin, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.services import UNIT_OFF, ask_active, ask_enabled, firewall_timer
from deployer.text.shell import lines, quote, sh

TITLE = "7.6 Firewall"

UNDO_AFTER = 120
"""Seconds after which the firewall is switched off again unless a second login has succeeded."""

# The server's own view of its port, not the client's through NAT or a gateway: the configuration and the sockets
# (Ubuntu's ssh.socket listens on another port than sshd_config says).
_SSH_PORTS = """\
{ sshd -T 2>/dev/null | awk '/^port / {print $2}'
  ss -Hltnp | awk '/"sshd"/ {sub(/.*:/, "", $4); print $4}'
  systemctl show ssh.socket --property=Listen,ActiveState 2>/dev/null | awk '
    / \\(Stream\\)/ {sub(/ \\(Stream\\).*/, ""); sub(/.*:/, ""); ports = ports $0 "\\n"}
    /^ActiveState=active$/ {active = 1}
    END {if (active) printf "%s", ports}'
  true
} | sort -un"""
# ufw keeps each of its rules as a comment `### tuple ### allow tcp 22 …` next to the iptables line.
_RULES = "sed -n 's/^### tuple ### //p' /etc/ufw/user.rules 2>/dev/null || true"
_LIVE = "iptables -S ufw-user-input 2>/dev/null | sed -n 's/^-A ufw-user-input //p'; true"


def probes(host: Inventory) -> Probes:
    return {
        "ssh": Ask(_SSH_PORTS),
        "rules": Ask(_RULES),
        "live": Ask(_LIVE),
        "enabled": Ask("sed -n 's/^ENABLED=//p' /etc/ufw/ufw.conf 2>/dev/null || true"),
        "policy": Ask("sed -n 's/^DEFAULT_INPUT_POLICY=//p' /etc/default/ufw 2>/dev/null || true"),
        "boot": ask_enabled("ufw.service", host),
        "undo": ask_active(f"{firewall_timer(host)}.timer", host),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    if not facts["ssh"] and not host.is_local:
        remedy = "check `sshd -T` and `ss -tln` on the host; without its port the firewall could lock you out"
        raise Stop(Note("the port of sshd could not be determined", remedy))
    missing = tuple(rule for rule in _wanted(host, facts) if not _is_active(rule, facts))
    yield from (Script(f"allow {rule} through the firewall", sh("ufw", "allow", rule)) for rule in missing)
    if facts["policy"].strip('"') not in ("DROP", "REJECT", ""):
        yield Script("deny incoming connections by default", sh("ufw", "default", "deny", "incoming"))
    if facts["boot"] in UNIT_OFF:
        yield Script("start the firewall at boot", "systemctl enable ufw.service")
    if facts["enabled"] != "yes" or not facts["live"]:
        yield from _enable(host)
    elif facts["undo"] == "active":
        yield _keep(host)


def _wanted(host: Inventory, facts: Facts) -> tuple[str, ...]:
    ssh = tuple(f"{port}/tcp" for port in facts.lines("ssh"))
    return tuple(dict.fromkeys((*ssh, "80/tcp", "443/tcp", *host.firewall.allow)))


def _is_active(rule: str, facts: Facts) -> bool:
    """Whether ufw knows the rule, and, where it is on, the kernel too."""
    ports, _, protocol = rule.partition("/")
    known = re.compile(rf"^allow {protocol or 'any'} {re.escape(ports)} ", re.MULTILINE)
    if not known.search(facts["rules"]):
        return False
    return facts["enabled"] != "yes" or not facts["live"] or _in_kernel(ports, facts["live"])


def _in_kernel(ports: str, live: str) -> bool:
    return re.search(rf"--dports? {re.escape(ports)}( |$)", live, re.MULTILINE) is not None


def _enable(host: Inventory) -> Iterator[Change]:
    """The guide's `ufw enable` prompts, and can lock the operator out (F15)."""
    unit = firewall_timer(host)
    timed = sh("systemd-run", "--quiet", f"--on-active={UNDO_AFTER}", f"--unit={unit}", "ufw", "--force", "disable")
    yield Script(
        f"enable the firewall, for {UNDO_AFTER} s unless a second login succeeds",
        lines(_cancel(unit), timed, "ufw --force enable"),
        undo="ufw --force disable",
    )
    yield _keep(host)


def _keep(host: Inventory) -> SecondLogin:
    script = lines(_cancel(firewall_timer(host)), "ufw status | grep -qw active")
    return SecondLogin("log in a second time, then keep the firewall on", script)


def _cancel(unit: str) -> str:
    return f"systemctl stop {quote(unit + '.timer')} 2>/dev/null || true"
