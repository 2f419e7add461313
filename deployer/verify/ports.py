"""What is meant for the server itself is not published: from outside nobody answers there."""

import contextlib
import socket
from functools import partial

from deployer.verify.checks import Check, judged
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site

_REMEDY = "Docker publishes past ufw: no ports: but 80 and 443 in docker-compose.yml; deployer provision writes it"


def check(site: Site, limit: float = 2.0) -> tuple[Check, ...]:
    """One check for all ports, asked side by side, each at most `limit` seconds."""
    address = site.address or site.domain
    tasks = {port: partial(is_open, address, port, limit) for port in site.closed_ports}
    answers = in_parallel(tasks, limit + 1.0)
    faults = [f"port {port} answers" for port, answered in answers.items() if answered]
    asked = ", ".join(str(port) for port in tasks)
    return (judged("closed ports", faults, f"no answer on {asked}", _REMEDY),)


def is_open(address: str, port: int, limit: float) -> bool:
    """Whether somebody accepts a TCP connection within `limit` seconds."""
    try:
        with contextlib.closing(socket.create_connection((address, port), limit)):
            return True
    except (OSError, ValueError):
        return False
