"""14.2 PostgreSQL: started before the backend, tested by a login with .env's password; its data are never removed."""

import re
from collections.abc import Iterator, Sequence

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Facts, Probes
from deployer.engine.host_program import call, question, run
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.remote.postgres.server import READY_SECONDS, START_SECONDS
from deployer.resources.docker import ask_docker
from deployer.site.compose import DATABASE, config_digests
from deployer.site.containers import Container, ask_containers, containers
from deployer.site.env import DB_PASSWORD
from deployer.steps import environment
from deployer.text.shell import quote, sh

TITLE = "14.2 PostgreSQL"

_BACK = 'former=${PAYLOAD%/*}/former.payload; [ ! -e "$former" ] || '
"""The job of a release writes .env as well, and keeps its former content in former.payload (section 6)."""


def probes(host: Inventory) -> Probes:
    if not host.postgres.enabled:
        return {"containers": ask_containers(host)}
    none = f"[ ! -e {quote(host.paths.postgres)} ]"
    return {
        **environment.probes(host),
        "containers": ask_containers(host),
        "database": ask_docker(question(host, none, "postgres", "state", host.postgres.image)),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    found = tuple(item for item in containers(host, facts["containers"]) if item.service == DATABASE)
    if not host.postgres.enabled:
        yield from _still_running(host, found)
        return
    _refuse_other_major(host, facts)
    image, state = host.postgres.image, facts.pairs("database")
    if not state.get("image"):
        yield Script(f"pull {image}", sh("docker", "pull", "--quiet", image), within=1200)
    if not any(_good(host, item) for item in found):
        start = run(host, "postgres", "start", image)
        yield Script(_why(host, found), start, within=START_SECONDS + READY_SECONDS, critical=bool(found))
    elif state.get("login") != "accepted" or DB_PASSWORD in environment.renewed(host, facts):
        why = f"set the password of the role {host.postgres.user} to the one in {host.paths.env}"
        agree = call(host, "postgres", "agree")
        yield Script(why, agree, f'{_BACK}{agree} "$former"', within=READY_SECONDS + 60)


def _good(host: Inventory, item: Container) -> bool:
    as_wanted = item.config == config_digests(host)[DATABASE] and not item.differences
    return as_wanted and item.state == "running" and item.health != "unhealthy"


def _why(host: Inventory, found: Sequence[Container]) -> str:
    image, running = host.postgres.image, [item for item in found if item.state == "running"]
    if not running:
        return f"start PostgreSQL ({image}) and wait until it accepts the password in .env"
    reason = "its image or its settings changed"
    if running[0].health == "unhealthy":
        reason = "it is unhealthy"
    elif running[0].differences and running[0].config == config_digests(host)[DATABASE]:
        reason = running[0].as_it_runs
    return f"replace PostgreSQL's container ({image}: {reason}), with some seconds of downtime"


def _still_running(host: Inventory, found: Sequence[Container]) -> Iterator[Note]:
    for item in found:
        if item.state == "running":
            text = f"{item.name} is running although postgres.enabled = false; {host.paths.postgres} is kept"
            yield Note(text, f"once nothing needs it, run on the host: sudo docker rm -f {item.name}")


def _refuse_other_major(host: Inventory, facts: Facts) -> None:
    state = facts.pairs("database")
    data, image = state.get("data", ""), _major(host, state.get("image", ""))
    if data and image and data != image:
        postgres = host.postgres
        dump = f"sudo docker exec {host.name}-{DATABASE}-1 pg_dump -U {postgres.user} {postgres.database} >dump.sql"
        raise Stop(
            Note(
                f"{host.paths.postgres} holds data of PostgreSQL {data}, and {postgres.image} is PostgreSQL {image}, "
                "which cannot read them",
                f"set postgres.image to an image of PostgreSQL {data}; or upgrade: {dump}; "
                f"move {host.paths.postgres} away, provision with {postgres.image}, and load the dump with psql",
            )
        )


def _major(host: Inventory, image: str) -> str:
    """As the image reports it where the host has it, else by its tag."""
    reported = image.partition(" ")[2]
    tag = re.search(r":(\d+)[^/:]*$", host.postgres.image.partition("@")[0])
    return reported or (tag[1] if tag else "")
