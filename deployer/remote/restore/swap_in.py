"""Replacing the present state with the unpacked one. It runs to its end once begun, and undoes itself where it fails.

Visitors get the maintenance page, the application stops, everything is swapped by renaming, new containers start on it
and pass their health gate, the proxy is switched.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deployer.remote import files, output, proxy
from deployer.remote.docker import BACKEND
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.postgres.password import agree
from deployer.remote.release import health, kept, log, owners, running
from deployer.remote.release.parts import Parts
from deployer.remote.release.service import Service
from deployer.remote.release.switch import switch
from deployer.remote.restore.journal import SERVING, SWAPPING, Journal, State
from deployer.remote.restore.swap import Swap, present
from deployer.remote.restore.unpack import refuse_mounts
from deployer.remote.restore.wanted import Wanted
from deployer.remote.stopping_points import reached

PUBLIC, PRIVATE = 0o644, 0o700
MOST = 1000
"""Restores in one second."""


def page(host: Host) -> Path:
    """The file whose presence shows visitors the maintenance page."""
    return host.config.nginx / "maintenance"


def close_site(host: Host, journal: Journal) -> None:
    """Show the maintenance page, unless it was on before."""
    if not journal.state.closed:
        files.write(page(host), json.dumps({"who": "restore", "since": output.now()}).encode(), PUBLIC)


def open_site(host: Host, journal: Journal) -> None:
    """Take the page away, unless it was on before."""
    if not journal.state.closed:
        reached("the page is to be taken away")
        page(host).unlink(missing_ok=True)


def swap_of(host: Host, journal: Journal) -> Swap:
    """The files of this restore, as far as they are swapped."""
    state = journal.state
    return Swap(journal.wanted.items(host), journal.new, Path(state.former), frozenset(state.replaced))


def swap_in(host: Host, journal: Journal) -> None:
    """Raises Failure: where the journal says `swapping` then, it has to be undone."""
    services = with_images(host, journal.wanted)
    refuse_mounts(journal.wanted.items(host))
    _save_state(host, journal, services)
    reached("the journal is to say swapping")
    journal.enter(SWAPPING)
    parts, closed = Parts(), time.monotonic()
    close_site(host, journal)
    reached("the application is to stop")
    running.stop(host, journal.state.containers)
    parts.end("stop")
    _swap(host, journal)
    parts.end("swap")
    _start(host, services)
    reached("the journal is to say serving")
    journal.mark_served()
    journal.enter(SERVING)
    open_site(host, journal)
    parts.end("start")
    output.part("gap", time.monotonic() - closed)


def with_images(host: Host, wanted: Wanted) -> tuple[Service, ...]:
    """The services to start, each with the image of the backup, or else its fallback. Raises Failure without one."""
    return tuple(replace(each, image=_image(host, each, wanted)) for each in wanted.to_start(host))


def _image(host: Host, each: Service, wanted: Wanted) -> str:
    for image in filter(None, (each.image, wanted.fallback.get(each.name))):
        if host.docker("image", "inspect", "--format={{.Id}}", image).succeeded:
            return image
    raise Failure(f"the image {each.image} of {each.name} is not on this host")


def _save_state(host: Host, journal: Journal, services: tuple[Service, ...]) -> None:
    former = _former(host)
    former.mkdir(mode=PRIVATE, parents=True)
    former.parent.chmod(PRIVATE)
    previous = kept.services(host, log.current(host))
    containers = tuple(name for each in services for name in running.serving(host, each))
    replaced = tuple(sorted(present(journal.wanted.items(host))))
    upstreams, closed = running.upstream_text(host), page(host).exists()
    journal.save(State(str(former), replaced, containers, _lines(services), _lines(previous), upstreams, closed))


def _former(host: Host) -> Path:
    """For this restore alone: an earlier one's, perhaps of the same second, must not be used."""
    name = output.now().translate(str.maketrans("T", "_", "-:Z"))
    names = (name, *(f"{name}_{number}" for number in range(2, MOST)))
    return next(path for each in names if not (path := host.config.state / "former" / each).exists())


def _lines(services: Sequence[Service]) -> str:
    return "\n".join(each.line for each in services)


def _swap(host: Host, journal: Journal) -> None:
    swap_of(host, journal).do()
    if journal.has_database:
        for part in journal.wanted.parts(host):
            part.swap()
    agree_on_password(host, journal.wanted)


def agree_on_password(host: Host, wanted: Wanted) -> None:
    """Give the database's role the password of the .env that is in place now. Raises Failure."""
    if host.config.postgres.database and "config" in wanted.kinds:
        agree(host)


def _start(host: Host, services: tuple[Service, ...]) -> None:
    for each in services:
        if each.name == BACKEND:
            owners.give_directories(host, each.image)
    reached("the new containers are to be made")
    new = {each: running.start_new(host, each, lambda: None) for each in services}
    reached("the new ones start")
    health.await_all_healthy(host, new)
    if new:
        switch(host, new, {})
    else:
        proxy.reload(host)
