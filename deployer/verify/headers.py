"""The security headers on every kind of answer, each exactly once; the server's version is hidden."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.verify import api, redirects, wallet
from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.findings import Finding, Findings, failed, judged
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "security headers"

_VERSION = re.compile(r"/\s*v?\d")
_ONCE = {
    "Content-Security-Policy": re.compile(r".+"),
    "X-Content-Type-Options": re.compile(r"nosniff", re.IGNORECASE),
    "X-Frame-Options": re.compile(r"DENY|SAMEORIGIN", re.IGNORECASE),
    "Referrer-Policy": re.compile(r"[a-z, -]+", re.IGNORECASE),
}
_HSTS = "Strict-Transport-Security"
_REMEDY = "run deployer provision: it writes the proxy's configuration, which sends each header once"


@dataclass(frozen=True)
class Seen:
    """One answer that has to carry the headers; `secure` where it came over https."""

    secure: bool
    reply: Reply


def requests(site: Site) -> dict[str, Request]:
    """One of every kind: those of the wallet, the API and the redirects."""
    return wallet.requests(site) | api.requests(site) | redirects.requests(site)


def check(visit: Visit) -> Findings:
    """One finding for each kind of answer, one for the server's version, one for the policy itself."""
    answers = _of_every_kind(visit)
    each = tuple(_judge(visit.site, kind, seen) for kind, seen in answers.items())
    return (*each, _version(answers), *_policy(visit.site, visit.replies["index"]))


def _of_every_kind(visit: Visit) -> dict[str, Seen]:
    """One answer of every kind that has to carry the security headers."""
    site, replies = visit.site, visit.replies
    seen = {
        "page": Seen(True, replies["index"]),
        "API": Seen(True, replies["health"]),
        "API 404": Seen(True, replies["api missing"]),
        "http redirect": Seen(False, replies[redirects.key(site.domain)]),
        "http redirect of the API": Seen(False, replies[redirects.key(site.api_domain)]),
    }
    for alias in site.aliases:
        seen[alias] = Seen(True, replies[wallet.alias_key(alias)])
    if visit.assets:
        seen["wallet 404"] = Seen(True, visit.assets.missing)
        seen |= {f"asset {path}": Seen(True, reply) for path, reply in list(visit.assets.loaded.items())[:1]}
    return seen


def _policy(site: Site, index: Reply) -> Findings:
    """Whether the wallet's page has the policy of the inventory; nothing where there is none."""
    title = "content security policy"
    if not site.content_security_policy or not isinstance(index, Answer):
        return ()
    served, wanted = index.value("Content-Security-Policy"), site.content_security_policy
    faults = [] if _plain(served) == _plain(wanted) else [f"served {served!r}, not {wanted!r}"]
    return (judged(title, faults, served, "run deployer provision: it sends wallet.content_security_policy"),)


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip("; ")


def _judge(site: Site, kind: str, seen: Seen) -> Finding:
    title = f"security headers: {kind}"
    if not isinstance(seen.reply, Answer):
        return failed(title, seen.reply.reason, "run deployer status")
    faults = [*_faults(seen.reply), *_hsts_faults(site, seen)]
    return judged(title, faults, f"all present, each once, on a {seen.reply.status}", _REMEDY)


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


def _version(answers: Mapping[str, Seen]) -> Finding:
    revealing = {
        f"{kind}: Server is {seen.reply.value('Server')!r}"
        for kind, seen in answers.items()
        if isinstance(seen.reply, Answer) and _VERSION.search(seen.reply.value("Server"))
    }
    return judged("server version hidden", sorted(revealing), "no Server header has a version", _REMEDY)
