"""Prerequisites: the user that this tool logs in as, with the operator's key and sudo, proved by a second login."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from deployer.engine.changes import Change, File, Script, SecondLogin
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_file, compare
from deployer.text.marker import MARKER
from deployer.text.shell import lines, quote, sh

KEY_TYPES = ("ssh-", "ecdsa-", "sk-")

# The account's home, then the modes of what sshd looks at (StrictModes), then the keys that may log in.
_KEYS = """\
home=$(getent passwd USER | cut -d: -f6)
[ -n "$home" ] || exit 0
state() { stat -c '%a %U' "$home/$1" 2>/dev/null; }
printf '%s\\n%s\\n%s\\n' "$home" "$(state .ssh)" "$(state .ssh/authorized_keys)"
cat "$home/.ssh/authorized_keys" 2>/dev/null || true"""


@dataclass(frozen=True)
class Account:
    """`keys` are the operator's public keys, each as a line of authorized_keys."""

    keys: tuple[str, ...]
    __name__: ClassVar[str] = "account"
    TITLE: ClassVar[str] = "Prerequisites: the user"

    def probes(self, host: Inventory) -> Probes:
        return {
            "account": Ask(f"getent passwd {quote(host.ssh.user)} || true"),
            "keys": Ask(_KEYS.replace("USER", quote(host.ssh.user))),
            "rights": ask_file(rights(host)),
        }

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        changes = tuple(self._changes(host, facts))
        yield from changes
        if changes:
            yield prove(host)

    def _changes(self, host: Inventory, facts: Facts) -> Iterator[Change]:
        user = host.ssh.user
        if user == "root":
            return
        if not facts["account"]:
            yield Script(
                f"create the user {user}",
                sh("useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", user),
            )
        check = sh("visudo", "-c", "-q", "-f") + f' "$STAGED{rights(host).path}"'
        yield from compare(facts, {"rights": rights(host)}, check=check)
        yield from _authorize(user, self.keys, facts)


def rights(host: Inventory) -> File:
    """sudo without a password: the tool has no terminal to type one on."""
    path = PurePosixPath("/etc/sudoers.d") / f"{host.name}-{host.ssh.user}"
    return File(path, f"# {MARKER}\n{host.ssh.user} ALL=(ALL:ALL) NOPASSWD: ALL\n".encode(), 0o440)


def prove(host: Inventory) -> SecondLogin:
    return SecondLogin(f"log in as {host.ssh.user} over a new connection, and use sudo", '[ "$(id -u)" = 0 ]')


def _authorize(user: str, keys: tuple[str, ...], facts: Facts) -> Iterator[Script]:
    _, directory, file, *present = (*facts.lines("keys"), "", "", "")
    missing = tuple(key for key in keys if not any(_is_same(key, line) for line in present))
    if missing:
        names = ", ".join(key.split(" ", 2)[-1] if key.count(" ") > 1 else key.split()[0] for key in missing)
        yield Script(f"authorize the operator's key for {user} ({names})", lines(_secure(user), *map(_append, missing)))
    elif (directory, file) not in ((f"700 {user}", f"600 {user}"), (f"700 {user}", f"644 {user}")):
        yield Script(f"set ~{user}/.ssh to 0700 and authorized_keys to 0600 (sshd ignores looser ones)", _secure(user))


def _is_same(key: str, line: str) -> bool:
    """A line that begins with options (a forced command, for example) does not give a login."""
    return line.startswith(KEY_TYPES) and line.split()[:2] == key.split()[:2]


def _secure(user: str) -> str:
    """Set owners and modes, and end the file with a newline, which an editor may have left out."""
    owner = '"$(id -u "$user")"', '"$(id -g "$user")"'
    return lines(
        f"user={quote(user)}",
        'directory=$(getent passwd "$user" | cut -d: -f6)/.ssh; file=$directory/authorized_keys',
        f'install -d -m 0700 -o {owner[0]} -g {owner[1]} "$directory"',
        'touch "$file"; chown "$user:$(id -g "$user")" "$file"; chmod 0600 "$file"',
        '[ -z "$(tail -c 1 "$file")" ] || echo >>"$file"',
    )


def _append(key: str) -> str:
    return f'printf "%s\\n" {quote(key)} >>"$file"'
