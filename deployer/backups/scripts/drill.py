"""The host-side functions that a backup is proved with; cron and `deployer drill` run the same."""

from deployer.backups import drills
from deployer.backups.scripts.restore import unpack_functions
from deployer.engine.program import script, text
from deployer.inventory.model import Inventory
from deployer.resources.cron import cron_program
from deployer.site import compose
from deployer.site.scripts.proxy import proxy_functions
from deployer.text.shell import lines, sh

FILES = ("data", "config", "ssl")
"""What is unpacked; a database is restored into a server of the copy's own."""


def drill_functions(host: Inventory) -> str:
    """drill, and what it needs."""
    made = script(
        "backups/scripts/drill.sh",
        COPY=str(drills.directory(host)),
        COMPOSE=drills.compose_file(host),
        HEALTH=compose.health_command(host.backend.port, host.backend.health_path),
        CHECK=sh(*host.backup.check),
        LIMIT=host.releases.healthy_within,
        EVIDENCE=str(host.paths.drill_log),
        DRILLED=text("backups/scripts/evidence.py"),
    )
    before = (script("engine/mask.sh"), script("site/scripts/log_tail.sh"), script("site/scripts/health.sh"))
    return lines(unpack_functions(host, FILES), proxy_functions(host), *before, made)


def drill_program(host: Inventory) -> str:
    """What cron runs."""
    return cron_program(host, "drill", drill_functions(host), "take_lock", 'with_times drill "${1:-}"')
