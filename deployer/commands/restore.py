"""`restore --ts PREFIX`: put a backup's state in place of the present one; undone where it does not get healthy."""

from dataclasses import replace

from deployer.backups.catalogue import Backup, choose, on_host
from deployer.backups.prerequisites import Guide, provide
from deployer.backups.restore import PARTS_ALONE, TITLE, changes, preview
from deployer.backups.transfer import fetch
from deployer.errors import DeployerError, UsageError
from deployer.releases.images import tags
from deployer.releases.latest_commit import AtLatestCommit
from deployer.releases.lost_secrets import ToBeRestored
from deployer.run.command import BACKUPS, CHANGING, Choices, Command, Option
from deployer.run.convergence import converge_on, converge_once, seen
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.prompts import agrees, can_ask
from deployer.steps import PREREQUISITES, environment, host_program, images, offsite, packages
from deployer.text.times import ago

GUIDE = Guide(packages, host_program, offsite, PREREQUISITES, AtLatestCommit(images))
RESTORING_ENV = replace(
    GUIDE, prerequisites=tuple(ToBeRestored(step) if step is environment else step for step in PREREQUISITES)
)

LOST = (
    "What was written since the backup is set aside on the host until the next one is made. "
    "Visitors get the maintenance page for some seconds."
)


def restore(choices: Choices) -> int:
    only = choices.text("only")
    if only and only not in PARTS_ALONE:
        raise UsageError(f"--only {only}: no such part", remedy=f"Choose one of: {', '.join(PARTS_ALONE)}.")
    if choices.text("from") and choices.flag("dry-run"):
        what = "--from sends the backup to the host, and a dry run writes nothing there"
        raise UsageError(what, remedy="Leave out --dry-run: the command asks before anything is replaced.")
    return on_hosts(choices, _restore)


def _restore(run: HostRun) -> int:
    source, wanted, only = (run.choices.text(name) for name in ("from", "ts", "only"))
    if source:
        wanted = fetch(run, source, wanted, GUIDE)
    scope = _scope(run, only)
    choice = choose(_listed(run), wanted)
    run.report.data("chosen", {"id": choice.backup.id, "scope": list(scope)}, choice.summary)
    if run.choices.flag("dry-run"):
        preview(run, choice.backup, scope)
        return 10 if run.choices.flag("detailed-exitcode") else 0
    _confirm(run, choice.backup, scope)
    provide(run, choice.backup, RESTORING_ENV if "config" in scope else GUIDE, scope)
    swap = changes(run.host, choice.backup, scope, tags(run.host, choice.backup.commit))
    return converge_once(run, TITLE, swap, lambda: seen(run), (host_program,))


def _scope(run: HostRun, only: str) -> tuple[str, ...]:
    """The parts of a backup that are restored. Raises UsageError for a database that the deployment does not have."""
    there = tuple(part for part in PARTS_ALONE if part != "database" or run.host.postgres.enabled)
    if only and only not in there:
        remedy = f"Set postgres.enabled = true in {run.host.file}, or restore another part."
        raise UsageError(f"--only {only}: this deployment has no database", remedy=remedy)
    return (only,) if only else there


def _listed(run: HostRun) -> tuple[Backup, ...]:
    """The backups on the host, which may have no host program yet, or one of another version."""
    try:
        return on_host(run)
    except DeployerError:
        if run.choices.flag("dry-run"):
            raise
        converge_on(run, run.host, (host_program,), "restore")
        return on_host(run)


def _confirm(run: HostRun, backup: Backup, scope: tuple[str, ...]) -> None:
    """Raises UsageError where nobody agrees: what was written since the backup is about to be replaced."""
    if run.choices.flag("yes"):
        return
    what = f"replace {', '.join(scope)} of {run.host.host_name} with the state of {ago(backup.time)} ({backup.time})"
    if not can_ask(run.choices):
        raise UsageError(f"about to {what}", remedy="Run it with --dry-run to see the files, or with --yes to restore.")
    if not agrees(f"{LOST}\n{what[0].upper()}{what[1:]}?"):
        raise UsageError("nothing was restored")


COMMAND = Command(
    restore,
    (
        *CHANGING,
        Option(
            "ts",
            "the latest complete backup whose time starts so: 20251012, 20251012_0200 (default: the latest)",
            source=BACKUPS,
        ),
        Option("from", "offsite, or a backup's directory on this machine: sent to the host first", values=("offsite",)),
        Option("only", f"one part alone: {', '.join(PARTS_ALONE)}", values=PARTS_ALONE),
    ),
    examples=("--host prod --dry-run", "--host prod --ts 20251012", "--host prod --from offsite --yes"),
)
