"""Ports of internal services are closed from outside."""

import contextlib
import socket
from functools import partial

from deployer.verify.answers import Request
from deployer.verify.findings import Findings, judged
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "closed ports"

_LIMIT = 2.0
_REMEDY = "Docker bypasses ufw: docker-compose.yml must publish 80 and 443 only; run deployer provision"


def requests(site: Site) -> dict[str, Request]:
    """None: it opens TCP connections."""
    return {}


def check(visit: Visit) -> Findings:
    """One finding for all ports, tried in parallel."""
    address = visit.site.address or visit.site.domain
    tasks = {port: partial(is_open, address, port, _LIMIT) for port in visit.site.closed_ports}
    answers = in_parallel(tasks, _LIMIT + 1.0)
    faults = [f"port {port} answers" for port, answered in answers.items() if answered]
    asked = ", ".join(str(port) for port in tasks)
    return (judged(NAME, faults, f"no answer on {asked}", _REMEDY),)


def is_open(address: str, port: int, limit: float) -> bool:
    """Whether a TCP connection is accepted within `limit` seconds."""
    try:
        with contextlib.closing(socket.create_connection((address, port), limit)):
            return True
    except (OSError, ValueError):
        return False
