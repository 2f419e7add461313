"""Plain http sends a visitor to https, to the same name and path."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.checks import Check, failed, judged
from deployer.verify.target import Site

PATH = "/redirect/probe?kept=1"

_REMEDY = "return 301 https://$host$request_uri; in the server on port 80: deployer provision writes it"


def requests(site: Site) -> dict[str, Request]:
    """One http request for each name."""
    return {key(name): Request(name, PATH, scheme="http", bound=4096) for name in site.names}


def key(name: str) -> str:
    return f"http {name}"


def check(site: Site, replies: Mapping[str, Reply]) -> tuple[Check, ...]:
    """Judge the replies to `requests`."""
    return tuple(_judge(site, name, replies[key(name)]) for name in site.names)


def _judge(site: Site, name: str, reply: Reply) -> Check:
    title = f"http to https: {name}"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, "deployer status; is port 80 open?")
    return judged(title, _faults(site, name, reply), f"301 to {reply.value('Location')}", _REMEDY)


def _faults(site: Site, name: str, answer: Answer) -> list[str]:
    if answer.status not in {301, 308}:
        return [f"answered {answer.status}, not 301"]
    target = urlsplit(answer.value("Location"))
    arrived = f"{target.path}?{target.query}"
    same_port = _port(target.netloc) in {"", str(site.https_port)}
    good = (target.scheme, target.hostname, arrived) == ("https", name, PATH) and same_port
    return [] if good else [f"sent to {answer.value('Location')!r}, not to https://{name}{PATH}"]


def _port(netloc: str) -> str:
    return netloc.rpartition(":")[2] if ":" in netloc else ""
