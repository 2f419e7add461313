"""A vendor's one-time password: sshd lets nobody do anything before it is changed, and asks for that on a terminal."""

import re
import time
from typing import Protocol

from deployer.errors import ConnectionFailed, Context
from deployer.secret import Secret
from deployer.transport.settings import SshSettings

LIMIT = 60.0
QUIET = 0.2

# The prompts of pam_unix (Linux-PAM), in the order in which they are tried.
_AGAIN = re.compile(r"(retype|re-enter|again).*(password)?.*:\s*$", re.I)
_NEW = re.compile(r"new.*password.*:\s*$", re.I)
_CURRENT = re.compile(r"(current|old|unix).*password.*:\s*$", re.I)
_CHANGED = re.compile(r"(updated|changed) successfully|all authentication tokens updated", re.I)


class Screen(Protocol):
    """The host's end of a terminal."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...


def change_password(settings: SshSettings, old: Secret, new: Secret) -> None:
    """Log in with a terminal and answer what is asked. Raises ConnectionFailed when the host keeps the old one."""
    from deployer.transport.connection import connection

    hop = connection(settings)
    hop.open()
    try:
        channel = hop.transport.open_session(timeout=settings.connect_limit)
        channel.get_pty()
        channel.settimeout(QUIET)
        channel.invoke_shell()
        said = converse(channel, old, new)
    finally:
        hop.close()
    if not _CHANGED.search(said):
        raise ConnectionFailed(
            f"the host does not take the new password of {settings.user}",
            remedy="choose a longer one that is no word, and run the same command again",
            context=Context(host=settings.name, output=_last_lines(said, old, new)),
        )


def converse(screen: Screen, old: Secret, new: Secret) -> str:
    """Answer each prompt once; give all that was said. Ends when it is changed, refused, or nothing comes."""
    said, heard = "", ""
    answers = [(_AGAIN, new), (_NEW, new), (_CURRENT, old)]
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and not _CHANGED.search(said):
        try:
            data = screen.recv(4096)
        except TimeoutError:
            continue
        if not data:
            break
        said, heard = said + data.decode(errors="replace"), heard + data.decode(errors="replace")
        answer = next((pair for pair in answers if pair[0].search(_last(heard))), None)
        if answer:
            answers.remove(answer)
            screen.send(f"{answer[1].reveal()}\n".encode())
            heard = ""
    return said


def _last(text: str) -> str:
    return text.replace("\r", "\n").rsplit("\n", 1)[-1]


def _last_lines(said: str, *secrets: Secret) -> str:
    for secret in secrets:
        said = said.replace(secret.reveal(), str(secret))
    return "\n".join(line for line in said.replace("\r", "").splitlines() if line.strip())[-500:]
