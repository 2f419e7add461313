"""Restoring a backup: what would change, and the changes that put its state in place of the present one."""

import json
from collections.abc import Mapping

from deployer.backups.catalogue import Backup
from deployer.engine.changes import Change, OutsideCheck, Script
from deployer.engine.host_program import run as run_verb
from deployer.inventory.model import Inventory
from deployer.releases.calls import services
from deployer.remote.backup.parts import PARTS
from deployer.remote.restore.wanted import Wanted
from deployer.run.host_run import HostRun

TITLE = "9.2 Restore"
UNPACKING, SWAPPING = 12 * 3600, 3600
"""Seconds at most."""
PARTS_ALONE = tuple(PARTS)
"""What can be restored by itself, as `--only` names it."""
SHOWN = 200
"""Files that a dry run names; the others are counted."""

DIFFERENCES = {"changes": "changed", "appears": "added", "disappears": "removed"}
"""What would happen to a file, as the host program names it, and as people read it."""


def preview(run: HostRun, backup: Backup, scope: tuple[str, ...]) -> None:
    """Name the files that a restore would change, add and remove. Raises DeployerError for an incomplete backup."""
    wanted = Wanted(backup.id, scope, "", {})
    reply = run.call("restore", "compare", wanted.text, limit=UNPACKING)
    if reply.exit_code != 0:
        remedy = "Run `deployer backups --verify` to find the backups that are intact."
        raise run.error(f"{backup.id} cannot be compared with the host.", remedy=remedy, reply=reply, step=TITLE)
    found = [json.loads(line) for line in reply.output.decode().splitlines()]
    for difference in found[:SHOWN]:
        run.report.data("file", difference, f"  {DIFFERENCES[difference['what']]:10} {difference['path']!r}")
    counts = {what: sum(one["what"] == what for one in found) for what in DIFFERENCES}
    summary = ", ".join(f"{number} {DIFFERENCES[what]}" for what, number in counts.items())
    run.report.data("files", dict(counts), f"files: {summary}" if found else "files: all are as in the backup")
    run.verdicts.add("would change")


def changes(host: Inventory, backup: Backup, scope: tuple[str, ...], fallback: Mapping[str, str]) -> tuple[Change, ...]:
    """Unpack and verify, swap, check from outside, clean up; `fallback` are images for those that are gone."""
    images = services(host, {**fallback, **backup.images})
    wanted = Wanted(backup.id, scope, images, fallback)
    unpack = Script(
        f"verify {backup.id} and unpack it alongside the live data",
        _act(host, "unpack", wanted.text),
        undo=_act(host, "forget"),
        within=UNPACKING,
    )
    swap = Script(
        f"swap in {', '.join(scope)} of the backup and start the application", _act(host, "run"), within=SWAPPING
    )
    check = OutsideCheck("check the site from outside", _act(host, "back"), within=SWAPPING)
    end = Script("remove the previous containers", _act(host, "end"))
    return unpack, swap, check, end


def _act(host: Inventory, action: str, *words: str) -> str:
    return run_verb(host, "restore", action, *words)
