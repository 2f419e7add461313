"""A name that is not served gets no answer: neither by SNI, nor by Host header, nor by bare address."""

from collections.abc import Callable
from functools import partial

from deployer.verify.answers import Answer, Reply, get
from deployer.verify.authorities import unchecked
from deployer.verify.checks import Check, failed, passed, warned
from deployer.verify.handshake import Handshake, handshake
from deployer.verify.no_answer import NoAnswer
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site

UNKNOWN = "not-served.invalid"  # RFC 6761: never a real name

_REMEDY = "a default_server that returns 444 on 80 and 443 and has ssl_reject_handshake on: deployer provision"


def check(site: Site, limit: float = 5.0) -> tuple[Check, ...]:
    """Four ways to ask for what is not there, side by side."""
    tasks: dict[str, Callable[[], Reply | Handshake]] = {
        "unknown Host on http": partial(get, site, UNKNOWN, "/", scheme="http", limit=limit),
        "unknown name in TLS": partial(handshake, site, UNKNOWN, unchecked(), limit=limit),
        "no name in TLS": partial(handshake, site, None, unchecked(), limit=limit),
        "foreign Host on https": partial(
            get, site, site.domain, "/", headers={"Host": UNKNOWN}, limit=limit, verified=False
        ),
    }
    answers = in_parallel(tasks, 2 * limit + 1)
    late = NoAnswer(f"no answer within {limit:g} s", "timed out")
    return tuple(_judge(name, answers.get(name, late)) for name in tasks)


def _judge(name: str, reply: Reply | Handshake) -> Check:
    title = f"{name} refused"
    if isinstance(reply, Answer):
        return failed(title, f"answered {reply.status} for Host {UNKNOWN}", _REMEDY)
    if isinstance(reply, Handshake):
        return failed(title, f"{reply.version} was spoken and a certificate shown", _REMEDY)
    if reply.kind in {"closed", "tls"}:
        return passed(title, reply.reason)
    return warned(title, f"could not be asked: {reply.reason}", "deployer status; is the port open?")
