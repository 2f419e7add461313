"""The backend at its own name: healthy, and open to the wallet's scripts only."""

from collections.abc import Mapping

from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.checks import Check, failed, judged, passed
from deployer.verify.target import Site

FOREIGN = "https://foreign-origin.invalid"
MISSING = "/not-there-0123456789"

_CORS = "set site.origins in the inventory; deployer provision hands them to the application"
_HEALTH = "run deployer logs backend-api"


def requests(site: Site) -> dict[str, Request]:
    """Two requests to the health path (30 a minute are allowed to all who look), one to a missing one."""
    return {
        "health": Request(site.api_domain, site.health_path, {"Origin": site.origin}),
        "foreign": Request(site.api_domain, site.health_path, {"Origin": FOREIGN}),
        "api missing": Request(site.api_domain, MISSING),
    }


def check(site: Site, replies: Mapping[str, Reply]) -> tuple[Check, ...]:
    """Judge the replies to `requests`."""
    return (_health(site, replies["health"]), _allowed(site, replies["health"]), _foreign(replies["foreign"]))


def _health(site: Site, reply: Reply) -> Check:
    title = f"API health: https://{site.api_domain}{site.health_path}"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _HEALTH)
    if reply.status == 200:
        return passed(title, f"200, {len(reply.body)} bytes of {reply.content_type or 'no type'}")
    return failed(title, _why(reply), _HEALTH)


def _why(answer: Answer) -> str:
    match answer.status:
        case 301 | 302 | 307 | 308:
            hint = f"to {answer.value('Location')}: the application does not believe it is asked over https"
        case 429:
            hint = "the limit on the health path is used up: ask again in a minute"
        case 502 | 503 | 504:
            hint = "the proxy finds no healthy container"
        case _:
            hint = "not 200"
    return f"{answer.status}, {hint}"


def _allowed(site: Site, reply: Reply) -> Check:
    title = "CORS: the wallet's origin"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _HEALTH)
    allowed = reply.values("Access-Control-Allow-Origin")
    faults = [] if allowed == (site.origin,) else [f"{site.origin} is answered {allowed or 'nothing'}"]
    return judged(title, faults, f"{site.origin} is allowed", _CORS)


def _foreign(reply: Reply) -> Check:
    title = "CORS: a foreign origin"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _HEALTH)
    allowed = reply.values("Access-Control-Allow-Origin")
    faults = [f"{FOREIGN} is answered {', '.join(allowed)}"] if allowed else []
    return judged(title, faults, "gets no Access-Control-Allow-Origin", _CORS)
