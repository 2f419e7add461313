"""14.2 PostgreSQL: started alone, before the backend; proved by a login with .env's password; data never removed."""

import re
from collections.abc import Iterator, Sequence

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker
from deployer.site.compose import DATABASE, config_digests
from deployer.site.containers import Container, ask_containers, containers
from deployer.site.scripts.functions import READY_WITHIN, postgres_functions
from deployer.steps import environment
from deployer.text.shell import lines, quote, sh

TITLE = "14.2 PostgreSQL"

_BACK = 'ENV_FILE=${PAYLOAD%/*}/former.payload; [ ! -e "$ENV_FILE" ] || agree'
"""With a release .env is written by the same job, and what stood there before lies beside it (section 6)."""


def probes(host: Inventory) -> Probes:
    if not host.postgres.enabled:
        return {"containers": ask_containers(host)}
    version = quote(host.paths.postgres / "PG_VERSION")
    return {
        **environment.probes(host),
        "containers": ask_containers(host),
        "data": Ask(f"[ ! -e {version} ] || cat {version}"),
        "database image": ask_docker(
            lines(postgres_functions(host), "docker version >/dev/null || exit 3", "image_state")
        ),
        "login": ask_docker(lines(postgres_functions(host), "login_state")),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    found = tuple(item for item in containers(facts["containers"]) if item.service == DATABASE)
    if not host.postgres.enabled:
        yield from _left(host, found)
        return
    _refuse_other_major(host, facts)
    image = host.postgres.image
    if not facts["database image"]:
        yield Script(f"pull {image}", sh("docker", "pull", "--quiet", image), within=1200)
    if not any(_good(host, item) for item in found):
        start = lines(postgres_functions(host), "start_database")
        yield Script(_why(image, found), start, within=READY_WITHIN + 180, critical=bool(found))
    elif facts["login"] != "taken" or environment.password_changes(host, facts):
        why = f"give the role {host.postgres.user} the password that stands in {host.paths.env}"
        yield Script(
            why,
            lines(postgres_functions(host), "agree"),
            lines(postgres_functions(host), _BACK),
            within=READY_WITHIN + 60,
        )


def _good(host: Inventory, item: Container) -> bool:
    as_wanted = item.config == config_digests(host)[DATABASE]
    return as_wanted and item.state == "running" and item.health != "unhealthy"


def _why(image: str, found: Sequence[Container]) -> str:
    running = [item for item in found if item.state == "running"]
    if not running:
        return f"start PostgreSQL ({image}) and wait until it takes the password of .env"
    reason = "it is unhealthy" if running[0].health == "unhealthy" else "its image or its settings changed"
    return f"replace PostgreSQL's container ({image}: {reason}) with a gap: some seconds without a database"


def _left(host: Inventory, found: Sequence[Container]) -> Iterator[Note]:
    for item in found:
        if item.state == "running":
            text = f"{item.name} still runs, though postgres.enabled = false; its data in {host.paths.postgres} stay"
            yield Note(text, f"when nothing needs it any more: sudo docker rm -f {item.name}")


def _refuse_other_major(host: Inventory, facts: Facts) -> None:
    data, image = facts["data"], _major(host, facts)
    if data and image and data != image:
        postgres = host.postgres
        dump = f"sudo docker exec {host.name}-{DATABASE}-1 pg_dump -U {postgres.user} {postgres.database} >dump.sql"
        raise Stop(
            Note(
                f"{host.paths.postgres} holds data of PostgreSQL {data}, and {postgres.image} is PostgreSQL {image}, "
                "which does not read them",
                f"set postgres.image to one of {data}; to change over: {dump}; move {host.paths.postgres} away, "
                f"provision with {postgres.image}, and give the dump to psql",
            )
        )


def _major(host: Inventory, facts: Facts) -> str:
    """What the image says of itself where the host has it; what its tag says where not."""
    told = facts["database image"].partition(" ")[2]
    tag = re.search(r":(\d+)[^/:]*$", host.postgres.image.partition("@")[0])
    return told or (tag[1] if tag else "")
