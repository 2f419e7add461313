"""`restore --ts PREFIX`: a backup's state in the place of the present one, and back where it does not get healthy."""

from deployer.backups.catalogue import Backup, choose
from deployer.backups.scripts.restore import KINDS
from deployer.commands.backups import known
from deployer.errors import UsageError
from deployer.run.command import CHANGING, YES, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.prompts import agrees, can_ask


def restore(choices: Choices) -> int:
    only = choices.text("only")
    if only and only not in KINDS:
        raise UsageError(f"--only {only}: there is no such part", remedy=f"one of: {', '.join(KINDS)}")
    if choices.text("from") and choices.flag("dry-run"):
        what = "--from sends the backup to the host, and a dry run writes nothing there"
        raise UsageError(what, remedy="without --dry-run: it asks before anything is replaced")
    return on_hosts(choices, _restore)


def _restore(run: HostRun) -> int:
    from deployer.backups.prerequisites import found
    from deployer.backups.restore import foresee, put_in_place
    from deployer.backups.transfer import bring

    source, wanted = run.choices.text("from"), run.choices.text("ts")
    if source:
        wanted = bring(run, source, wanted)
    choice = choose(known(run), wanted)
    only = run.choices.text("only")
    scope = (only,) if only else KINDS
    run.report.data("chosen", {"id": choice.backup.id, "scope": list(scope)}, choice.told)
    if run.choices.flag("dry-run"):
        return foresee(run, choice.backup, scope)
    _be_sure(run, choice.backup, scope)
    found(run, choice.backup)
    return put_in_place(run, choice.backup, scope)


def _be_sure(run: HostRun, backup: Backup, scope: tuple[str, ...]) -> None:
    """Raises UsageError where nobody agrees: what was written since the backup is about to be replaced."""
    if run.choices.flag("yes"):
        return
    what = f"replace {', '.join(scope)} of {run.host.host_name} by the state of {backup.time}"
    if not can_ask(run.choices):
        raise UsageError(f"about to {what}", remedy="look at it with --dry-run; --yes does it without asking")
    if not agrees(f"{what[0].upper()}{what[1:]}?"):
        raise UsageError("nothing was restored")


COMMAND = Command(
    restore,
    (
        *CHANGING,
        YES,
        Option("ts", "the newest whole backup whose time starts so: 20251012, 20251012_0200 (default: the newest)"),
        Option("from", "offsite, or a backup's directory on this machine: brought to the host first"),
        Option("only", f"one part alone: {', '.join(KINDS)}"),
    ),
)
