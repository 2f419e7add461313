"""Host-side scripts put together from the parts in deployer/remote, with one host's parameters."""

from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.text.marker import MARKER

READY_WITHIN = 120
"""Seconds from the start of PostgreSQL's container until it takes a password: the first start makes the database."""


def proxy_functions(host: Inventory) -> str:
    """reload_proxy, drain_proxy and what they need."""
    return script("site/scripts/proxy.sh", NAME=host.name, NGINX=str(host.paths.nginx))


def postgres_functions(host: Inventory) -> str:
    """start_database, agree (on the role's password) and what they need."""
    parameters: dict[str, str | int] = {
        "NAME": host.name,
        "ROOT": str(host.root),
        "ENV_FILE": str(host.paths.env),
        "IMAGE": host.postgres.image,
        "ROLE": host.postgres.user,
        "DATABASE": host.postgres.database,
        "DATA": str(host.paths.postgres),
        "LIMIT": READY_WITHIN,
    }
    return "\n".join((script("site/scripts/log_tail.sh"), script("site/scripts/postgres.sh", **parameters)))


def cron_program(host: Inventory, doing: str, *commands: str) -> str:
    """A program that cron runs: root's PATH, and take_lock and with_times (lock.sh) in front of its commands."""
    return "\n".join(
        (
            "#!/bin/bash",
            f"# {MARKER}",
            "set -u",
            "export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            script("engine/lock.sh", NAME=host.name, ROOT=str(host.root), DOING=doing),
            *commands,
            "",
        )
    )
