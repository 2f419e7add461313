"""Restoring a backup: what would change, and the changes that put its state in place of the present one."""

import json
from collections.abc import Mapping

from deployer.backups.catalogue import Backup
from deployer.backups.scripts.restore import compare_files, restore_functions
from deployer.engine.changes import Change, OutsideCheck, Script
from deployer.inventory.model import Inventory
from deployer.run.host_run import HostRun
from deployer.text.shell import lines, quote

TITLE = "9.2 Restore"
UNPACKING, SWAPPING = 12 * 3600, 3600
"""Seconds at most."""
SHOWN = 200
"""Files that a dry run names; the others are counted."""

KINDS = {"changes": "changed", "appears": "added", "disappears": "removed"}
"""What would happen to a file, as differences.py names it, and as people read it."""


def preview(run: HostRun, backup: Backup, scope: tuple[str, ...]) -> None:
    """Name the files that a restore would change, add and remove. Raises DeployerError for an incomplete backup."""
    reply = run.transport.run(compare_files(run.host, backup, scope), limit=UNPACKING)
    if reply.exit_code != 0:
        remedy = "Run `deployer backups --verify` to find the backups that are intact."
        raise run.error(f"{backup.id} cannot be compared with the host.", remedy=remedy, reply=reply, step=TITLE)
    found = [json.loads(line) for line in reply.output.decode().splitlines()]
    for difference in found[:SHOWN]:
        run.report.data("file", difference, f"  {KINDS[difference['what']]:10} {difference['path']!r}")
    counts = {what: sum(one["what"] == what for one in found) for what in KINDS}
    summary = ", ".join(f"{number} {KINDS[what]}" for what, number in counts.items())
    run.report.data("files", dict(counts), f"files: {summary}" if found else "files: all are as in the backup")
    run.verdicts.add("would change")


def changes(host: Inventory, backup: Backup, scope: tuple[str, ...], fallback: Mapping[str, str]) -> tuple[Change, ...]:
    """Unpack and verify, swap, check from outside, clean up; `fallback` are images for those that are gone."""
    functions = restore_functions(host, backup, scope, fallback)
    unpack = Script(
        f"verify {backup.id} and unpack it alongside the live data",
        lines(functions, f"unpack_verified {quote(backup.id)}"),
        undo=lines(functions, "forget_unpacked"),
        within=UNPACKING,
    )
    swap = Script(
        f"swap in {', '.join(scope)} of the backup and start the application",
        lines(functions, 'act "${1:-}"'),
        within=SWAPPING,
    )
    check = OutsideCheck("check the site from outside", lines(functions, "restore_back"), within=SWAPPING)
    end = Script("remove the previous containers", lines(functions, "restore_end"))
    return unpack, swap, check, end
