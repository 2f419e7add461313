"""`drill`: a backup is proved by restoring it into a throwaway copy on the same host; cron runs the same."""

from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts

LIMIT = 12 * 3600
"""Seconds for one drill, however much it unpacks."""


def drill(choices: Choices) -> int:
    return on_hosts(choices, _drill)


def _drill(run: HostRun) -> int:
    from deployer.backups.catalogue import choose
    from deployer.backups.scripts.drill import drill_functions
    from deployer.commands.backups import known
    from deployer.engine.changes import Script
    from deployer.run.convergence import converge_once
    from deployer.text.shell import lines, sh

    choice = choose(known(run), run.choices.text("ts"))
    skipped = {backup.id: backup.missing for backup in choice.skipped}
    run.report.data("chosen", {"backup": choice.backup.id, "skipped": skipped}, choice.told)
    why = f"restore {choice.backup.id} into a throwaway copy, start the application on it, check it, remove the copy"
    act = Script(why, lines(drill_functions(run.host), sh("drill", choice.backup.id)), within=LIMIT)
    code = converge_once(run, "9.2 Drill", (act,))
    if not run.choices.flag("dry-run"):
        _tell(run)
    return code


def _tell(run: HostRun) -> None:
    """The evidence as it was written."""
    from dataclasses import asdict

    from deployer.backups.drills import last
    from deployer.text.shell import sh

    reply = run.transport.run(sh("tail", "-n", "1", run.host.paths.drill_log), limit=60)
    found = last(reply.output.decode(errors="replace"))
    if found:
        run.report.data("drill", asdict(found), found.told)


COMMAND = Command(
    drill,
    (*CHANGING, Option("ts", "the newest whole backup whose time starts so: 20251012; else the newest of all")),
)
