"""All checks of a site from outside, in parallel and within a limit."""

from functools import partial

from deployer.verify.checks import CHECKS, Check
from deployer.verify.findings import Finding, Findings, failed
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site
from deployer.verify.visit import Visit


def verify(site: Site, *, limit: float = 30.0) -> Findings:
    """The findings of all checks; one that is not done after `limit` seconds is a failure.

    The health path is requested twice. Raises nothing the network can cause.
    """
    visit = Visit(site, {key: request for check in CHECKS for key, request in check.requests(site).items()})
    found = in_parallel({check.NAME: partial(_findings, check, visit) for check in CHECKS}, limit)
    return tuple(finding for check in CHECKS for finding in found.get(check.NAME, (_unfinished(check.NAME, limit),)))


def _findings(check: Check, visit: Visit) -> Findings:
    return check.check(visit) if not check.requests(visit.site) or visit.replies else ()


def _unfinished(name: str, limit: float) -> Finding:
    return failed(name, f"not done within {limit:g} s", "the host is slow or unreachable: run deployer status")
