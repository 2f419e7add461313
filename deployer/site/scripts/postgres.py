"""The bash functions that start the database and give its role the password of .env."""

from deployer.engine.program import script
from deployer.inventory.model import Inventory

READY_WITHIN = 120
"""Seconds from the start of PostgreSQL's container until it accepts a password; the first one creates the database."""


def postgres_functions(host: Inventory) -> str:
    """`start_database`, `agree_on_password`, and the functions that they call."""
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
