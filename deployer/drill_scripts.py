"""The host-side functions that a backup is proved with; cron and `deployer drill` run the same."""

from deployer import compose, drills, scripts
from deployer.inventory.model import Inventory
from deployer.remote.scripts import script, text
from deployer.restore_scripts import unpack_functions
from deployer.shell import lines, sh

FILES = ("data", "config", "ssl")
"""What is unpacked; a database is restored into a server of the copy's own."""


def drill_functions(host: Inventory) -> str:
    """drill, and what it needs."""
    made = script(
        "drill.sh",
        COPY=str(drills.directory(host)),
        COMPOSE=drills.compose_file(host),
        HEALTH=compose.health_command(host.backend.port, host.backend.health_path),
        CHECK=sh(*host.backup.check),
        LIMIT=host.releases.healthy_within,
        EVIDENCE=str(host.paths.drill_log),
        DRILLED=text("drilled.py"),
    )
    before = (script("mask.sh"), script("last_words.sh"), script("health.sh"))
    return lines(unpack_functions(host, FILES), scripts.proxy_functions(host), *before, made)


def drill_program(host: Inventory) -> str:
    """What cron runs."""
    return scripts.cron_program(host, "drill", drill_functions(host), "take_lock", 'with_times drill "${1:-}"')
