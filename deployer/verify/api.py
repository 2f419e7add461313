"""The backend at its own name: healthy, and open to the wallet's scripts only."""

from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.findings import Finding, Findings, failed, judged, passed
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "API"
FOREIGN = "https://foreign-origin.invalid"
MISSING = "/not-there-0123456789"

_CORS = "set site.origins in the inventory, then run deployer provision: the application gets them as CORS_ORIGINS"
_HEALTH = "run deployer logs backend-api"


def requests(site: Site) -> dict[str, Request]:
    """Two requests to the health path (the application allows 30 a minute in all), one to a missing path."""
    return {
        "health": Request(site.api_domain, site.health_path, {"Origin": site.origin}),
        "foreign": Request(site.api_domain, site.health_path, {"Origin": FOREIGN}),
        "api missing": Request(site.api_domain, MISSING),
    }


def check(visit: Visit) -> Findings:
    """Its health, and whose scripts may call it."""
    site, replies = visit.site, visit.replies
    return (_health(site, replies["health"]), _allowed(site, replies["health"]), _foreign(replies["foreign"]))


def _health(site: Site, reply: Reply) -> Finding:
    title = f"API health: https://{site.api_domain}{site.health_path}"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _HEALTH)
    if reply.status == 200:
        return passed(title, f"200, {len(reply.body)} bytes of {reply.content_type or 'no type'}")
    return failed(title, _why(reply), _HEALTH)


def _why(answer: Answer) -> str:
    match answer.status:
        case 301 | 302 | 307 | 308:
            hint = f"to {answer.value('Location')}: the application does not trust X-Forwarded-Proto"
        case 429:
            hint = "the rate limit of the health path is used up: try again in a minute"
        case 502 | 503 | 504:
            hint = "the proxy has no healthy container"
        case _:
            hint = "not 200"
    return f"{answer.status}, {hint}"


def _allowed(site: Site, reply: Reply) -> Finding:
    title = "CORS: the wallet's origin"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _HEALTH)
    allowed = reply.values("Access-Control-Allow-Origin")
    answer = ", ".join(allowed) or "no Access-Control-Allow-Origin"
    faults = [] if allowed == (site.origin,) else [f"{site.origin} got {answer}"]
    return judged(title, faults, f"{site.origin} is allowed", _CORS)


def _foreign(reply: Reply) -> Finding:
    title = "CORS: a foreign origin"
    if not isinstance(reply, Answer):
        return failed(title, reply.reason, _HEALTH)
    allowed = reply.values("Access-Control-Allow-Origin")
    faults = [f"{FOREIGN} is allowed: {', '.join(allowed)}"] if allowed else []
    return judged(title, faults, "gets no Access-Control-Allow-Origin", _CORS)
