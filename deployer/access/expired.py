"""Change a vendor's one-time password: sshd allows nothing before that, and asks for it on a terminal."""

import re
import time
from typing import Protocol

from deployer.errors import ConnectionFailed, Context
from deployer.secret import Secret
from deployer.transport.connection import connection
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
    """Log in with a terminal and answer its prompts. Raises ConnectionFailed when the host keeps the old password."""
    hop = connection(settings)
    hop.open()
    try:
        channel = hop.transport.open_session(timeout=settings.connect_limit)
        channel.get_pty()
        channel.settimeout(QUIET)
        channel.invoke_shell()
        printed = converse(channel, old, new)
    finally:
        hop.close()
    if not _CHANGED.search(printed):
        raise ConnectionFailed(
            f"the host refuses the new password of {settings.user}",
            remedy="choose a longer one that is not a word, then run this command again",
            context=Context(host=settings.name, output=_log_tail(printed, old, new)),
        )


def converse(screen: Screen, old: Secret, new: Secret) -> str:
    """Answer each prompt once; returns all output. Ends when the password is changed or refused, or on silence."""
    printed, unanswered = "", ""
    answers = [(_AGAIN, new), (_NEW, new), (_CURRENT, old)]
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and not _CHANGED.search(printed):
        try:
            data = screen.recv(4096)
        except TimeoutError:
            continue
        if not data:
            break
        text = data.decode(errors="replace")
        printed, unanswered = printed + text, unanswered + text
        answer = next((pair for pair in answers if pair[0].search(_last_line(unanswered))), None)
        if answer:
            answers.remove(answer)
            screen.send(f"{answer[1].reveal()}\n".encode())
            unanswered = ""
    return printed


def _last_line(text: str) -> str:
    return text.replace("\r", "\n").rsplit("\n", 1)[-1]


def _log_tail(printed: str, *secrets: Secret) -> str:
    for secret in secrets:
        printed = printed.replace(secret.reveal(), str(secret))
    return "\n".join(line for line in printed.replace("\r", "").splitlines() if line.strip())[-500:]
