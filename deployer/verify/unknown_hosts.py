"""Names that are not served get no answer: not by SNI, not by Host header, not by address."""

from collections.abc import Callable
from functools import partial

from deployer.verify.answers import Answer, Reply, Request, get
from deployer.verify.authorities import unchecked
from deployer.verify.findings import Finding, Findings, failed, passed, warned
from deployer.verify.handshake import Handshake, handshake
from deployer.verify.no_answer import NoAnswer
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site
from deployer.verify.visit import Visit

UNKNOWN = "not-served.invalid"  # RFC 6761: never a real name

NAME = "unknown hosts"

_LIMIT = 5.0
_REMEDY = "run deployer provision: it writes default servers that refuse unknown names"


def requests(site: Site) -> dict[str, Request]:
    """None: it asks for names that are not the site's."""
    return {}


def check(visit: Visit) -> Findings:
    """Four ways to ask for a name that is not served, in parallel."""
    site, limit = visit.site, _LIMIT
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


def _judge(name: str, reply: Reply | Handshake) -> Finding:
    title = f"{name} refused"
    if isinstance(reply, Answer):
        return failed(title, f"answered {reply.status} for Host {UNKNOWN}", _REMEDY)
    if isinstance(reply, Handshake):
        return failed(title, f"{reply.version} was accepted and a certificate presented", _REMEDY)
    if reply.kind in {"closed", "tls"}:
        return passed(title, reply.reason)
    return warned(title, f"could not be checked: {reply.reason}", "run deployer status; is the port open?")
