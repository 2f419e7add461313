"""Whether visitors get the maintenance page: asked of the proxy on this host."""

from collections.abc import Sequence

from deployer.remote import output, proxy
from deployer.remote.failure import Failure, NotUnderstood
from deployer.remote.host import Host

SAID = "Down for maintenance"
"""The page contains it, and nothing else that answers with 503 does."""
LONGEST = 65_536
"""Bytes of an answer that are searched for it."""
STATES = ("on", "off")


def check(host: Host, words: Sequence[str]) -> None:
    """`on` or `off`: raises Failure where a visitor's answer is not as that. No answer is as neither."""
    if len(words) != 1 or words[0] not in STATES:
        raise NotUnderstood("usage: proxy maintenance on|off")
    try:
        answer = proxy.answer(host, LONGEST).decode(errors="replace")
    except OSError as error:
        raise Failure(f"the proxy does not answer: {error}") from error
    status = answer.partition("\r")[0]
    if not status.startswith("HTTP/1.1 "):
        raise Failure("the proxy's answer is not HTTP")
    is_on = status.startswith("HTTP/1.1 503") and SAID in answer
    if is_on != (words[0] == "on"):
        raise Failure(f"the proxy answers {status}, {'with' if is_on else 'without'} the maintenance page")
    output.say(status)
