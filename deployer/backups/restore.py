"""What `restore` does with the backup that was chosen: what would change, what the host lacks, and the way in place."""

import json

from deployer.backups.catalogue import Backup
from deployer.backups.scripts.restore import restore_functions, unpack_functions
from deployer.engine.changes import OutsideCheck, Script
from deployer.engine.program import script, text
from deployer.errors import Context, DeployerError
from deployer.releases.images import tags
from deployer.run.convergence import converge_once, seen
from deployer.run.host_run import HostRun
from deployer.text.shell import lines, quote

TITLE = "9.2 Restore"
UNPACKING, SWAPPING = 12 * 3600, 3600
"""Seconds at most."""
SHOWN = 200
"""Files that a dry run names; the others are counted."""

# -- what would change -------------------------------------------------------------------------------------------------


def foresee(run: HostRun, backup: Backup, scope: tuple[str, ...]) -> int:
    """Name the files that would change, appear and disappear."""
    compare = script("backups/scripts/differences.sh", ID=backup.id, DIFFERENCES=text("backups/scripts/differences.py"))
    reply = run.transport.run(lines(unpack_functions(run.host, scope), compare), limit=UNPACKING)
    if reply.exit_code != 0:
        output = (reply.output + reply.error).decode(errors="replace")
        raise DeployerError("the backup cannot be compared", context=Context(run.host.host_name, TITLE, output=output))
    found = [json.loads(line) for line in reply.output.decode().splitlines()]
    for difference in found[:SHOWN]:
        run.report.data("file", difference, f"  {difference['what']:10} {difference['path']!r}")
    counted = {what: sum(one["what"] == what for one in found) for what in ("changes", "appears", "disappears")}
    told = ", ".join(f"{number} {what}" for what, number in counted.items())
    run.report.data("files", dict(counted), f"files: {told}" if found else "files: all are as they were backed up")
    run.verdicts.add("would change")
    return 10 if run.choices.flag("detailed-exitcode") else 0


# -- in place ----------------------------------------------------------------------------------------------------------


def put_in_place(run: HostRun, backup: Backup, scope: tuple[str, ...]) -> int:
    fallback = tags(run.host, backup.commit)
    functions = restore_functions(run.host, backup, scope, fallback)
    identifier = quote(backup.id)
    unpack = Script(
        f"verify {backup.id}, and unpack it beside what serves",
        lines(functions, f"unpack_verified {identifier}"),
        undo=lines(functions, "forget_unpacked"),
        within=UNPACKING,
    )
    swap = Script(
        f"swap {', '.join(scope)}, and start the application on it",
        lines(functions, 'act "${1:-}"'),
        within=SWAPPING,
    )
    look = OutsideCheck("look at the site from outside", lines(functions, "restore_back"), within=SWAPPING)
    end = Script("remove the containers of before", lines(functions, "restore_end"))
    return converge_once(run, TITLE, (unpack, swap, look, end), lambda: seen(run))
