"""`rollback [--to RELEASE]`: to the previous or to any kept release, without a build, with no dropped request."""

from deployer.commands.releases import known
from deployer.engine.engine import Engine, RunContext
from deployer.engine.lock import LockOwner
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.releases import log as releases
from deployer.releases.log import Release
from deployer.releases.rollback import Rollback
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge, seen
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.resolver import resolver


def rollback(choices: Choices) -> int:
    return on_hosts(choices, _rollback)


def _rollback(run: HostRun) -> int:
    wanted = run.choices.text("to")
    target = choose(run.host, wanted, *known(run))  # before the lock, which pins the choice
    operator = RunContext(resolver(run.host), run.report, run.verdicts, lambda: seen(run))
    engine = Engine(run.host, run.transport, (Rollback(target.id),), operator)
    return converge(run, engine, LockOwner.here(f"rollback --to {target.id}"))


def choose(host: Inventory, wanted: str, log: tuple[Release, ...], there: frozenset[str]) -> Release:
    """The release that was named by its id or commit, or by the beginning of one; without a name the previous one.

    Raises UsageError where that is none or several, and names those that there are.
    """
    possible = tuple(release for release in releases.succeeded(log) if release.id in there)
    if wanted:
        found = tuple(release for release in possible if release.id.startswith(wanted))
        found = found or tuple(release for release in possible if release.commit.startswith(wanted))
    else:
        before = releases.previous(log)
        found = tuple(release for release in possible if before and release.id == before.id)
    if len(found) == 1:
        return found[0]
    what = f"--to {wanted}: {len(found)} kept releases are called so" if wanted else "there is no previous release"
    names = ", ".join(release.id for release in possible) or "none"
    raise UsageError(what, remedy=f"kept: {names}; deployer releases --host {host.host_name}")


COMMAND = Command(
    rollback,
    (*CHANGING, Option("to", "id or commit of a kept release, or how it begins (deployer releases)")),
)
