"""`rollback [--to RELEASE]`: to the previous or to any kept release, without a build and without downtime."""

from deployer.commands.releases import known
from deployer.engine.engine import Engine, RunContext
from deployer.engine.lock import LockOwner
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.releases import log as history
from deployer.releases.log import Release
from deployer.releases.rollback import Rollback
from deployer.run.command import CHANGING, RELEASES, Choices, Command, Option
from deployer.run.convergence import converge, seen
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.resolver import resolver
from deployer.steps import host_program


def rollback(choices: Choices) -> int:
    return on_hosts(choices, _rollback)


def _rollback(run: HostRun) -> int:
    wanted = run.choices.text("to")
    target = choose(run.host, wanted, *known(run))  # before the lock, which pins the choice
    context = RunContext(resolver(run.host), run.report, run.verdicts, lambda: seen(run))
    engine = Engine(run.host, run.transport, (host_program, Rollback(target.id)), context)
    return converge(run, engine, LockOwner.here(f"rollback --to {target.id}"))


def choose(host: Inventory, wanted: str, log: tuple[Release, ...], retained: frozenset[str]) -> Release:
    """The release with this id or commit, or with one that begins so; the previous one where `wanted` is empty.

    Raises UsageError where there is none or several, with the ids of those that are kept.
    """
    possible = tuple(release for release in history.succeeded(log) if release.id in retained)
    if wanted:
        found = tuple(release for release in possible if release.id.startswith(wanted))
        found = found or tuple(release for release in possible if release.commit.startswith(wanted))
    else:
        before = history.previous(log)
        found = tuple(release for release in possible if before and release.id == before.id)
    if len(found) == 1:
        return found[0]
    names = ", ".join(release.id for release in possible) or "none"
    raise UsageError(
        _no_choice(wanted, len(found)), remedy=f"kept: {names}; see `deployer releases --host {host.host_name}`"
    )


def _no_choice(wanted: str, count: int) -> str:
    if not wanted:
        return "there is no previous release"
    return f"--to: {count} kept releases match {wanted!r}" if count else f"--to: no kept release matches {wanted!r}"


COMMAND = Command(
    rollback,
    (
        *CHANGING,
        Option("to", "id or commit of a kept release, or its beginning (see deployer releases)", source=RELEASES),
    ),
    examples=("--host prod", "--host prod --to 20251012_081500-4f2a9c1"),
)
