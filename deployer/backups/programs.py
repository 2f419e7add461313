"""The programs that cron runs for backups."""

from dataclasses import replace

from deployer.engine.changes import File
from deployer.engine.host_program import call, cron_call, cron_entry
from deployer.inventory.model import Inventory
from deployer.text.marker import MARKER


def backup_program(host: Inventory) -> File:
    """Copying takes long and only reads complete backups: it runs without the lock."""
    entry = cron_entry(host, "backup")
    if not host.backup.offsite:
        return entry
    text = f"#!/bin/sh\n# {MARKER}\n{cron_call(host, 'backup')} && exec {call(host, 'cron', 'offsite', 'push')}\n"
    return replace(entry, content=text.encode())
