"""Prerequisites: close the logins of root and with passwords, once the user's login has been proved.

sshd takes the first value it reads, so this tool's file sorts before the vendors' and is included before any line of
sshd_config. What counts is the outcome of all files: `sshd -T` prints it.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from deployer.access.account import prove
from deployer.engine.changes import Change, File, Gate, Note, Script, SecondLogin, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_file, compare
from deployer.resources.services import ask_active
from deployer.text.marker import MARKER
from deployer.text.shell import lines, quote, sh

TITLE = "Prerequisites: root login"

MAIN = PurePosixPath("/etc/ssh/sshd_config")
OWN = PurePosixPath("/etc/ssh/sshd_config.d/00-deployer.conf")
UNDO_AFTER = 120
"""Seconds after which root may log in again, unless a login as the user has proved that it is not needed."""

WANTED = {"permitrootlogin": "no", "passwordauthentication": "no", "kbdinteractiveauthentication": "no"}

_CONFIGURATION = f"""\
# {MARKER}
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
_BEFORE = ".before-deployer"
"""Suffix of the files that an undo restores; sshd does not read them."""

# With socket activation a reload would end sshd, which cannot bind the socket itself ("Cannot bind any address"). A
# restart receives the socket again, and open connections stay (KillMode=process).
RELOAD = """\
if systemctl -q is-active ssh.socket; then systemctl try-restart ssh.service
else
  for unit in ssh sshd; do
    if systemctl -q is-active $unit.service; then systemctl reload $unit.service; break; fi
  done
fi"""
# Directives that could decide before this tool's file is read: the first value counts.
_DECIDING = (
    "Include|Match|PermitRootLogin|PasswordAuthentication|KbdInteractiveAuthentication|ChallengeResponseAuthentication"
)


def probes(host: Inventory) -> Probes:
    words = "|".join(WANTED)
    return {
        "file": ask_file(_file()),
        "includes": Ask(f"grep -niE '^[[:space:]]*({_DECIDING})[[:space:]]' {MAIN} || true"),
        "effective": Ask(f"sshd -T -C user=root,host=unknown,addr=192.0.2.1 | grep -E '^({words}) '"),
        "undo": ask_active(f"{undo_unit(host)}.timer"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    if host.ssh.user == "root":
        raise Stop(
            Note('ssh.user is "root", whose login bootstrap closes', "set ssh.user to another name, such as deploy")
        )
    changes = tuple(_changes(facts))
    if changes:
        yield prove(host)
        yield _timed_undo(host)
        yield from changes
        yield Script("reload sshd", RELOAD)
        yield Gate(
            "check that sshd refuses root and passwords",
            _refused(),
            within=10,
            explain=f"sshd -T | grep -E '^({'|'.join(WANTED)}) '",
        )
    if changes or facts["undo"] == "active":
        yield _keep(host)


def _changes(facts: Facts) -> Iterator[Change]:
    check = lines("install -d -m 0755 /run/sshd", f'sshd -t -f "$STAGED{OWN}"')
    yield from compare(facts, {"file": _file()}, check=check)
    if not _comes_first(facts.lines("includes")):
        yield Script(f"include {OWN} before all else in {MAIN}", _include())
    elif facts["file"] and (others := _overruled(facts)):
        raise Stop(
            Note(f"another file overrides {OWN}: {others}", f"look for it in {OWN.parent}: sshd takes the first value")
        )


def _comes_first(found: tuple[str, ...]) -> bool:
    """Whether the first line that could decide includes this tool's file."""
    first = re.sub(r"^\d+:\s*", "", found[0]) if found else ""
    return bool(re.match(rf"Include\s+.*({re.escape(str(OWN.parent))}/\*\.conf|{re.escape(str(OWN))})", first, re.I))


def _overruled(facts: Facts) -> str:
    """The effective values that differ from those of this tool's file."""
    effective = dict(line.split(" ", 1) for line in facts.lines("effective") if " " in line)
    return ", ".join(f"{key} {value}" for key, value in effective.items() if value != WANTED[key])


def _file() -> File:
    return File(OWN, _CONFIGURATION.encode())


def _include() -> str:
    """sshd checks the new file before it is renamed into place."""
    return lines(
        f"cp -a {MAIN} {MAIN}.new",
        f"printf '%s\\n' {quote(f'# {MARKER}: the next line')} {quote(f'Include {OWN}')} | cat - {MAIN} >{MAIN}.new",
        f"sshd -t -f {MAIN}.new || {{ rm -f {MAIN}.new; exit 1; }}",
        f"mv -f {MAIN}.new {MAIN}",
    )


def _refused() -> str:
    """No `grep -q`: it ends at the first match, and sshd by SIGPIPE."""
    effective = "sshd -T -C user=root,host=unknown,addr=192.0.2.1"
    return lines(*(f"{effective} | grep -x {quote(f'{key} {value}')} >/dev/null" for key, value in WANTED.items()))


def _remember() -> str:
    """Keep the files for an undo. Those that an interrupted run kept are the original state: not replaced."""
    return lines(
        f"if [ ! -e {MAIN}{_BEFORE} ]; then",
        f"  if [ -e {OWN} ]; then cp -a {OWN} {OWN}{_BEFORE}; fi",
        f"  cp -a {MAIN} {MAIN}{_BEFORE}",
        "fi",
    )


def put_back(host: Inventory) -> str:
    """Let root log in as before: run by the timer, or at once when a check or the proof failed. Ends the timer."""
    return lines(
        f"if [ -e {OWN}{_BEFORE} ]; then mv -f {OWN}{_BEFORE} {OWN}; else rm -f {OWN}; fi",
        f"if [ -e {MAIN}{_BEFORE} ]; then mv -f {MAIN}{_BEFORE} {MAIN}; fi",
        RELOAD,
        _cancel(undo_unit(host)),
    )


def _timed_undo(host: Inventory) -> Script:
    unit = undo_unit(host)
    timed = sh("systemd-run", "--quiet", f"--on-active={UNDO_AFTER}", f"--unit={unit}", "bash", "-c", put_back(host))
    why = f"reopen root's login in {UNDO_AFTER} s, unless a login as {host.ssh.user} succeeds before"
    return Script(why, lines(_cancel(unit), _remember(), timed), undo=put_back(host))


def _keep(host: Inventory) -> SecondLogin:
    script = lines('[ "$(id -u)" = 0 ] || exit 1', _cancel(undo_unit(host)), f"rm -f {MAIN}{_BEFORE} {OWN}{_BEFORE}")
    return SecondLogin(f"log in as {host.ssh.user} once more, then keep root's login closed", script)


def undo_unit(host: Inventory) -> str:
    return f"deployer-{host.name}-root-login"


def _cancel(unit: str) -> str:
    return f"systemctl stop {quote(unit + '.timer')} 2>/dev/null || true"
