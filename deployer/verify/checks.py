"""The checks from outside: a new one is a module with the names of `Check`, and an entry in `CHECKS`."""

from collections.abc import Mapping
from typing import Protocol

from deployer.verify import (
    addresses,
    api,
    assets,
    certificate,
    headers,
    maintenance,
    ports,
    protocols,
    redirects,
    unknown_hosts,
    wallet,
)
from deployer.verify.answers import Request
from deployer.verify.findings import Findings
from deployer.verify.target import Site
from deployer.verify.visit import Visit


class Check(Protocol):
    """One subject that is checked from outside. A module that has these names is a check; mypy holds it to that."""

    @property
    def NAME(self) -> str:
        """The name of its finding when it is not done in time."""

    def requests(self, site: Site) -> Mapping[str, Request]:
        """Requests whose replies it judges. All checks' are made together; the same key is the same request."""

    def check(self, visit: Visit) -> Findings:
        """What it found. Not called where it has requests and no TLS connection can be made."""


CHECKS: tuple[Check, ...] = (
    addresses,
    certificate,
    maintenance,
    wallet,
    assets,
    api,
    redirects,
    headers,
    protocols,
    unknown_hosts,
    ports,
)
"""In the order in which a reader expects the findings."""
