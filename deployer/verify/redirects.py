"""HTTP redirects to HTTPS, to the same name and path."""

from urllib.parse import urlsplit

from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.findings import Finding, Findings, failed, judged
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "redirects"
PATH = "/redirect/probe?kept=1"

_REMEDY = "run deployer provision: it sets `return 301 https://$host$request_uri;` for port 80"


def requests(site: Site) -> dict[str, Request]:
    """One http request for each name."""
    return {key(name): Request(name, PATH, scheme="http", bound=4096) for name in site.names}


def key(name: str) -> str:
    return f"http {name}"


def check(visit: Visit) -> Findings:
    """One finding for each name."""
    return tuple(_judge(visit.site, name, visit.replies[key(name)]) for name in visit.site.names)


def _judge(site: Site, name: str, reply: Reply) -> Finding:
    title = f"http to https: {name}"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, "run deployer status; is port 80 open?")
    return judged(title, _faults(site, name, reply), f"301 to {reply.value('Location')}", _REMEDY)


def _faults(site: Site, name: str, answer: Answer) -> list[str]:
    if answer.status not in {301, 308}:
        return [f"answered {answer.status}, not 301"]
    target = urlsplit(answer.value("Location"))
    arrived = f"{target.path}?{target.query}"
    same_port = _port(target.netloc) in {"", str(site.https_port)}
    good = (target.scheme, target.hostname, arrived) == ("https", name, PATH) and same_port
    return [] if good else [f"redirected to {answer.value('Location')!r}, not to https://{name}{PATH}"]


def _port(netloc: str) -> str:
    return netloc.rpartition(":")[2] if ":" in netloc else ""
