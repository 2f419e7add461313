"""Programs that cron runs on a host, under the lock of the host."""

from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.text.marker import MARKER


def cron_program(host: Inventory, doing: str, *commands: str) -> str:
    """A script with root's PATH, and `take_lock` and `with_times` (engine/lock.sh) in front of its commands."""
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
