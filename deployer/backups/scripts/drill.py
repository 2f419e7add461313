"""The bash functions that test a backup on the host; cron and `deployer drill` run the same."""

from deployer.backups.drill import compose_file, directory
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
    """`drill`, and the functions that it calls."""
    drill = script(
        "backups/scripts/drill.sh",
        COPY=str(directory(host)),
        COMPOSE=compose_file(host),
        HEALTH=compose.health_command(host.backend.port, host.backend.health_path),
        CHECK=sh(*host.backup.check),
        LIMIT=host.releases.healthy_within,
        EVIDENCE=str(host.paths.drill_log),
        EVIDENCE_PROGRAM=text("backups/scripts/evidence.py"),
    )
    before = (script("engine/mask.sh"), script("site/scripts/log_tail.sh"), script("site/scripts/health.sh"))
    return lines(unpack_functions(host, FILES), proxy_functions(host), *before, drill)


def drill_program(host: Inventory) -> str:
    """The program that cron runs."""
    return cron_program(host, "drill", drill_functions(host), "take_lock", 'with_times drill "${1:-}"')
