"""TLS 1.0 and 1.1 are refused, 1.2 and 1.3 accepted."""

import ssl
import threading
import warnings
from functools import partial

from deployer.verify.answers import Request
from deployer.verify.findings import Finding, Findings, failed, passed, warned
from deployer.verify.handshake import Handshake, handshake
from deployer.verify.no_answer import NoAnswer
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "protocols"

_LIMIT = 5.0
_REMEDY = "run deployer provision: it sets `ssl_protocols TLSv1.2 TLSv1.3;`"
_OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
_CURRENT = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
_warnings_are_global = threading.Lock()


def requests(site: Site) -> dict[str, Request]:
    """None: it makes handshakes of its own."""
    return {}


def check(visit: Visit) -> Findings:
    """One handshake for each version, in parallel."""
    contexts = {name: speaking_only(version) for name, version in (_OLD | _CURRENT).items()}
    tasks = {
        name: partial(handshake, visit.site, visit.site.domain, context, limit=_LIMIT)
        for name, context in contexts.items()
        if context
    }
    answers = in_parallel(tasks, 2 * _LIMIT + 1)
    return tuple(_judge(name, answers.get(name)) for name in contexts)


def speaking_only(version: ssl.TLSVersion) -> ssl.SSLContext | None:
    """A context for one version that trusts anybody; None where the local OpenSSL was built without it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _warnings_are_global, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # asking for an old version is the point
            context.minimum_version = context.maximum_version = version
        # OpenSSL 3 supports TLS 1.0 and 1.1 at security level 0 only: their signatures are SHA-1.
        context.set_ciphers("ALL:@SECLEVEL=0")
    except (ValueError, ssl.SSLError):
        return None
    return context


def _judge(name: str, reply: Handshake | NoAnswer | None) -> Finding:
    return _judge_old(name, reply) if name in _OLD else _judge_current(name, reply)


def _judge_old(name: str, reply: Handshake | NoAnswer | None) -> Finding:
    title = f"{name} refused"
    if isinstance(reply, Handshake):
        return failed(title, f"the server accepts {reply.version}", _REMEDY)
    if reply is None or reply.kind in {"cannot ask", "timed out", "refused", "unreachable"}:
        why = reply.reason if reply else f"{ssl.OPENSSL_VERSION} does not support it, or no answer in time"
        return warned(title, f"could not be checked from here: {why}", "check with testssl.sh or sslscan")
    return passed(title, reply.reason)


def _judge_current(name: str, reply: Handshake | NoAnswer | None) -> Finding:
    if isinstance(reply, Handshake):
        return passed(f"{name} accepted", f"the server accepts {reply.version}")
    why = reply.reason if reply else "no answer in time"
    return failed(f"{name} accepted", why, _REMEDY)
