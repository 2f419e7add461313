"""The proxy is switched to other containers, and proved to reach them, before a visitor gets any of them alone."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from deployer.remote import files, output, proxy, signals
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import run
from deployer.remote.release import health
from deployer.remote.release.running import proxy_runs, upstream_file, upstream_text
from deployer.remote.release.service import Service
from deployer.remote.release.upstreams import named, rewritten
from deployer.remote.stopping_points import reached as stop_here
from deployer.remote.waiting import await_true

INNER = "http://127.0.0.1:8404"
"""A server of the proxy's own, inside its network alone, which passes on to each upstream."""
REACHED = re.compile(r"^X-Reached: *(\S+?):\d+", re.IGNORECASE | re.MULTILINE)
REACHED_SECONDS = 20.0
ROUNDS = 3
"""Requests for each server: enough for each to have its turn."""
MODE = 0o644

Containers = Mapping[Service, Sequence[str]]


def switch(host: Host, new: Containers, former: Containers) -> None:
    """From the former containers, of which there may be none, to the new ones. Raises Failure; nothing changed then.

    nginx resolves a new name only after it has loaded it, and answers 502 until it has the address; known addresses
    survive a reload. So the new containers serve alongside the former ones until the proxy reaches them, then alone.
    """
    former_file = upstream_file(host).with_suffix(".upstreams.former")
    files.write(former_file, upstream_text(host).encode(), MODE)  # for people, too, should the power go now
    try:
        if any(former.values()) and proxy_runs(host):
            _write(host, {service: (*names, *former.get(service, ())) for service, names in new.items()})
            proxy.reload(host)
            await_reached(host, new)
        stop_here("the proxy is to be switched")
        _write(host, new)
        proxy.reload(host)
    except Failure:
        output.say("the proxy rejected the new containers and keeps the old ones")
        with signals.ignored():
            _put_back(host, former_file)
        raise
    finally:
        former_file.unlink(missing_ok=True)


def await_reached(host: Host, containers: Containers) -> None:
    """Raises Failure where the proxy does not reach all of them in time; at once where no proxy runs."""
    if not proxy_runs(host):
        return
    for service, names in containers.items():
        if not await_true(partial(_reaches, host, service, names), REACHED_SECONDS):
            raise Failure(f"the proxy cannot reach {' and '.join(names)}")


def _write(host: Host, servers: Containers) -> None:
    files.write(upstream_file(host), rewritten(upstream_text(host), servers).encode(), MODE)


def _put_back(host: Host, former_file: Path) -> None:
    """By renaming: the disk may be full."""
    former_file.replace(upstream_file(host))
    with suppress(Failure):
        proxy.reload(host)


def _reaches(host: Host, service: Service, names: Sequence[str]) -> bool:
    """Whether requests from inside the proxy's network came to each of these containers."""
    if not names:
        return True
    found = health.state(host, proxy.container(host))
    addresses = {health.state(host, name).address for name in names}
    url = f"{INNER}/{service.upstream}"
    count = ROUNDS * len(named(upstream_text(host), service))
    words = ("curl", "-s", "-m", "5", "-D", "-", *(word for _ in range(count) for word in ("-o", "/dev/null", url)))
    answers = run("nsenter", "-t", str(found.process), "-n", *words, limit=5.0 * count)
    return addresses <= set(REACHED.findall(answers.text))
