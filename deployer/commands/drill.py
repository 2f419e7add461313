"""`drill`: test a backup by restoring it into a throwaway copy on the same host; cron runs the same."""

from dataclasses import asdict

from deployer.backups.catalogue import choose, on_host
from deployer.backups.drill import TITLE, last
from deployer.engine.changes import Script
from deployer.engine.facts import Ask
from deployer.engine.host_program import run as verb
from deployer.run.command import BACKUPS, CHANGING, Choices, Command, Option
from deployer.run.convergence import converge_once
from deployer.run.host_run import HostRun, on_hosts
from deployer.steps import backup, host_program
from deployer.text.shell import sh

LIMIT = 12 * 3600
"""Seconds for one drill, however much it unpacks."""


def drill(choices: Choices) -> int:
    return on_hosts(choices, _drill)


def _drill(run: HostRun) -> int:
    choice = choose(on_host(run), run.choices.text("ts"))
    skipped = {backup.id: backup.problem for backup in choice.skipped}
    run.report.data("chosen", {"backup": choice.backup.id, "skipped": skipped}, choice.summary)
    why = f"restore {choice.backup.id} into a throwaway copy, start the application on it, check it, remove the copy"
    change = Script(why, verb(run.host, "drill", choice.backup.id), within=LIMIT)
    code = converge_once(run, TITLE, (change,), before=(host_program, backup))
    if not run.choices.flag("dry-run"):
        _show_evidence(run)
    return code


def _show_evidence(run: HostRun) -> None:
    evidence = run.ask({"evidence": Ask(sh("tail", "-n", "1", run.host.paths.drill_log))}).answers["evidence"]
    if found := last(evidence.output):
        run.report.data("drill", asdict(found), found.summary)


COMMAND = Command(
    drill,
    (
        *CHANGING,
        Option("ts", "the latest complete backup whose time starts so: 20251012 (default: the latest)", source=BACKUPS),
    ),
    examples=("--host prod", "--host prod --ts 20251012"),
)
