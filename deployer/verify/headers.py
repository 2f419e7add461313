"""The security headers on every kind of answer, each exactly once; the server keeps its version to itself."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.verify.answers import Answer, Reply
from deployer.verify.checks import Check, failed, judged
from deployer.verify.target import Site

_VERSION = re.compile(r"/\s*v?\d")
_ONCE = {
    "Content-Security-Policy": re.compile(r".+"),
    "X-Content-Type-Options": re.compile(r"nosniff", re.IGNORECASE),
    "X-Frame-Options": re.compile(r"DENY|SAMEORIGIN", re.IGNORECASE),
    "Referrer-Policy": re.compile(r"[a-z, -]+", re.IGNORECASE),
}
_HSTS = "Strict-Transport-Security"
_REMEDY = (
    "add_header in a location drops what the server block added, and an application's own headers double "
    "the proxy's: deployer provision writes both right"
)


@dataclass(frozen=True)
class Seen:
    """One answer that has to bear the headers; `secure` where it came over https."""

    secure: bool
    reply: Reply


def check(site: Site, answers: Mapping[str, Seen]) -> tuple[Check, ...]:
    """One check for each kind of answer, one for the policy itself, one for the server's version."""
    each = tuple(_judge(site, kind, seen) for kind, seen in answers.items())
    return (*each, _version(answers))


def policy(site: Site, index: Reply) -> tuple[Check, ...]:
    """Whether the wallet's page bears the policy the inventory asks for; nothing where it asks for none."""
    title = "content security policy"
    if not site.content_security_policy or not isinstance(index, Answer):
        return ()
    served, wanted = index.value("Content-Security-Policy"), site.content_security_policy
    faults = [] if _plain(served) == _plain(wanted) else [f"served {served!r}, not {wanted!r}"]
    return (judged(title, faults, served, "deployer provision writes wallet.content_security_policy"),)


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip("; ")


def _judge(site: Site, kind: str, seen: Seen) -> Check:
    title = f"security headers: {kind}"
    if not isinstance(seen.reply, Answer):
        return failed(title, seen.reply.reason, "deployer status")
    faults = [*_faults(seen.reply), *_hsts_faults(site, seen)]
    return judged(title, faults, f"all there, each once, on a {seen.reply.status}", _REMEDY)


def _faults(answer: Answer) -> Iterator[str]:
    for name, form in _ONCE.items():
        values = answer.values(name)
        if len(values) != 1:
            yield f"{name} {_times(len(values))} on a {answer.status}"
        elif not form.fullmatch(values[0].strip()):
            yield f"{name}: {values[0]!r}"


def _times(count: int) -> str:
    return f"sent {count} times" if count else "missing"


def _hsts_faults(site: Site, seen: Seen) -> Iterator[str]:
    values = seen.reply.values(_HSTS) if isinstance(seen.reply, Answer) else ()
    if not (seen.secure and site.expects_hsts):
        if values:
            yield f"{_HSTS} {'with HSTS off or self-signed' if seen.secure else 'over http (RFC 6797)'}"
    elif len(values) != 1:
        yield f"{_HSTS} {_times(len(values))}"
    elif not re.search(r"max-age=\"?[1-9]", values[0], re.IGNORECASE):
        yield f"{_HSTS}: {values[0]!r}"


def _version(answers: Mapping[str, Seen]) -> Check:
    telling = {
        f"{kind} says {seen.reply.value('Server')!r}"
        for kind, seen in answers.items()
        if isinstance(seen.reply, Answer) and _VERSION.search(seen.reply.value("Server"))
    }
    return judged("server version hidden", sorted(telling), "no Server header tells a version", "server_tokens off;")
