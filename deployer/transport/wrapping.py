"""Pure: a bash script becomes one command line that every login shell passes on unharmed, and runs as root.

The login shell (bash, dash, zsh, fish, tcsh) sees nothing but words and one pair of single quotes, and inside
them no newline, `!`, backslash or single quote, which are what these shells disagree about. The script
travels compressed inside it, so standard input stays free for a password and for the payload.
"""

import base64
import gzip
from dataclasses import dataclass
from enum import Enum

from deployer.secret import Secret

START = "--- deployer: the script starts ---"
INPUT = "--- deployer: input ---"
NO_INPUT = 97
"""Exit code when standard input ended before the payload began: the connection broke, nothing was done."""

LONGEST = 131_000
"""Bytes. Linux takes no argument beyond MAX_ARG_STRLEN, 131072 (execve(2)); sshd makes the whole line one."""

_SETTING = (
    "export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; umask 022; cd /"
)
_ANNOUNCE = f"echo '{START}' >&2; echo '{START}'"
# `read` takes one byte at a time from a pipe, so what follows the marker stays there for the script. What
# comes before it is the password, where sudo did not ask for it (NOPASSWD, or a ticket that is still valid).
_SWALLOW = (
    f"unset word; until [ \"${{word-}}\" = '{INPUT}' ]; do IFS= read -r word || exit {NO_INPUT}; done; unset word"
)
_NO_STDIN = "exec </dev/null"


class Elevation(Enum):
    """How the script becomes root. LC_ALL=C, because the refusals of sudo are recognised by their words."""

    ROOT = ""
    """The login is root already."""
    SUDO = "env LC_ALL=C sudo -n -- "
    """Without a password: sudo fails at once where it wants one."""
    SUDO_PASSWORD = "env LC_ALL=C sudo -S -p '' -- "  # noqa: S105  # it asks for one, and holds none
    """With the password as the first line of standard input."""


@dataclass(frozen=True)
class Wrapped:
    """`command` for the login shell; `head` goes to standard input before the payload, after the password."""

    command: str
    head: bytes


def wrap(script: str, elevation: Elevation, *, takes_input: bool) -> Wrapped:
    """The command line for a script; a script too long for one travels at the head of standard input."""
    stdin = _SWALLOW if takes_input else _NO_STDIN
    short = _command(f"{stdin}; {_SETTING}; {_ANNOUNCE}\n{script}\n", elevation)
    if len(short) <= LONGEST:
        return Wrapped(short, f"{INPUT}\n".encode() if takes_input else b"")
    return _wrap_long(script, elevation, takes_input=takes_input)


def stdin_head(wrapped: Wrapped, password: Secret | None) -> bytes:
    """All that precedes the payload on standard input."""
    line = f"{password.reveal()}\n".encode() if password else b""
    return line + wrapped.head


def _wrap_long(script: str, elevation: Elevation, *, takes_input: bool) -> Wrapped:
    """`head -c` reads exactly as many bytes as it is given, so the payload after the script stays in the pipe."""
    stdin = ":" if takes_input else _NO_STDIN
    packed = _pack(f"{stdin}; {_ANNOUNCE}\n{script}\n")
    loader = f'{_SWALLOW}; {_SETTING}; eval "$(head -c {len(packed)} | gzip -d)"'
    return Wrapped(_command(loader, elevation), f"{INPUT}\n".encode() + packed)


def _command(body: str, elevation: Elevation) -> str:
    text = base64.b64encode(_pack(body)).decode()
    return f"{elevation.value}bash -c 'eval \"$(echo {text} | base64 -d | gzip -d)\"'"


def _pack(body: str) -> bytes:
    """mtime=0: the same script is the same command line, today and tomorrow."""
    return gzip.compress(body.encode(), compresslevel=9, mtime=0)


class Beginning:
    """Finds where a script's own output begins, and holds back what a login shell printed before it."""

    def __init__(self) -> None:
        self.found = False
        self.noise = b""

    def pass_on(self, data: bytes) -> bytes:
        """What of the next piece is the script's own."""
        if self.found:
            return data
        self.noise += data
        noise, marker, rest = self.noise.partition(f"{START}\n".encode())
        if not marker:
            self.noise = noise[-LONGEST:]
            return b""
        self.found, self.noise = True, noise
        return rest
