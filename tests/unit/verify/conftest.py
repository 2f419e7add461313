"""Fixtures: an authority for the session, and sites that run for one test."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from deployer.verify.target import Site

from .certificates import Pair, make
from .good import API, DOMAIN, NAMES, POLICY, good
from .naming import name_server
from .serving import Behaviour, Running, running, server_context


@dataclass(frozen=True)
class Deployment:
    """A site that runs, as `verify` is told of it, and what it was asked."""

    site: Site
    running: Running


class Deploy(Protocol):
    """Run a site for the rest of the test; further keywords are fields of Site."""

    def __call__(
        self,
        behaviour: Behaviour = ...,
        *,
        pair: Pair | None = ...,
        names: set[str] | None = ...,
        oldest: ssl.TLSVersion = ...,
        newest: ssl.TLSVersion = ...,
        **fields: Any,
    ) -> Deployment: ...


@pytest.fixture(scope="session")
def authority() -> Pair:
    return make("Test Authority", authority=True)


@pytest.fixture(scope="session")
def leaf(authority: Pair) -> Pair:
    return make(DOMAIN, names=(DOMAIN, API), by=authority)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, so that nobody else listens there, and refuses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def nameserver() -> Iterator[str]:
    """A name server that leads both names to loopback."""
    with name_server({(DOMAIN, "A"): ["127.0.0.1"], (API, "A"): ["127.0.0.1"]}) as address:
        yield address


@pytest.fixture
def deploy(tmp_path: Path, authority: Pair, leaf: Pair, closed_port: int, nameserver: str) -> Iterator[Deploy]:
    with contextlib.ExitStack() as stack:

        def start(
            behaviour: Behaviour = good,
            *,
            pair: Pair | None = None,
            names: set[str] | None = NAMES,
            oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
            newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
            **fields: Any,
        ) -> Deployment:
            pem = (pair or leaf).write(tmp_path / "server.pem")
            context = server_context(pem, names, oldest=oldest, newest=newest)
            ports = stack.enter_context(running(behaviour, context))
            known: dict[str, Any] = {
                "address": "127.0.0.1",
                "https_port": ports.https_port,
                "http_port": ports.http_port,
                "trusted_pem": authority.pem,
                "nameservers": (nameserver,),
                "closed_ports": (closed_port,),
                "content_security_policy": POLICY,
            }
            return Deployment(Site(DOMAIN, API, **(known | fields)), ports)

        yield start
