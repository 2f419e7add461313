"""10.2 and 5: what cron does (renewal, backups, drills) and how logs are rotated without a restart."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from deployer.engine.changes import File, Script
from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_files, compare
from deployer.resources.services import UNIT_ABSENT, ask_active, ask_enabled
from deployer.site.rendering import render
from deployer.text.marker import MARKER

TITLE = "10.2 Schedules and log rotation"


def files(host: Inventory) -> Mapping[str, File]:
    return {
        "logrotate": File(PurePosixPath("/etc/logrotate.d") / host.name, render("logrotate", host=host).encode()),
        "cron": File(PurePosixPath("/etc/cron.d") / host.name, _cron(host).encode()),
    }


def probes(host: Inventory) -> Probes:
    return {
        **ask_files(files(host), host),
        "enabled": ask_enabled("cron.service", host),
        "active": ask_active("cron.service", host),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    check = f'[ ! -e "$STAGED/etc/logrotate.d/{host.name}" ] || logrotate -d "$STAGED/etc/logrotate.d/{host.name}" 2>&1'
    yield from compare(facts, files(host), check=check)
    if facts["enabled"] not in UNIT_ABSENT and (facts["enabled"], facts["active"]) != ("enabled", "active"):
        yield Script("start cron, now and at boot", "systemctl enable --now cron.service")


def _cron(host: Inventory) -> str:
    """The minute follows from the name, so that not every host asks the CA at the same time."""
    minute = sum(host.site.domain.encode()) % 60
    programs, log = host.paths.state / "bin", f"/var/log/{host.name}"
    return (
        f"# {MARKER}\n"
        "SHELL=/bin/bash\n"
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"{minute} 3,15 * * * root {programs}/renew >>{log}-renew.log 2>&1\n"
        f"{host.backup.schedule} root {programs}/backup >>{log}-backup.log 2>&1\n"
        f"{host.backup.drill_schedule} root {programs}/drill >>{log}-drill.log 2>&1\n"
        f"@reboot root {programs}/recover >>{log}-restore.log 2>&1\n"
    )
