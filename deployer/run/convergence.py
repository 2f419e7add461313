"""What all commands that bring a host to a plan share: the plan alone, or the plan and then its acts."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from deployer.engine.changes import Change
from deployer.engine.engine import Engine, RunContext
from deployer.engine.executor import Outside, not_looked_at
from deployer.engine.lock import LockOwner
from deployer.engine.oneoff import OneOff
from deployer.engine.step import Step
from deployer.inventory.model import Inventory
from deployer.run.host_run import HostRun
from deployer.verify.outside import faults


def converge(run: HostRun, engine: Engine, holder: LockOwner) -> int:
    """Apply the engine's plan, or with --dry-run tell it; gives the exit code."""
    if run.choices.flag("dry-run"):
        differs = any(planned.changes or planned.unknown for planned in engine.preview())
        return 10 if differs and run.choices.flag("detailed-exitcode") else 0
    engine.apply(holder, wait=run.choices.number("wait"))
    return 0


def seen(run: HostRun) -> Mapping[str, str]:
    """What is wrong with the site as a visitor sees it."""
    return faults(run.host, run.transport)


def operator_of(run: HostRun, host: Inventory, outside: Outside = not_looked_at) -> RunContext:
    """The operator's side of a run that may build, for this host as it is wanted now."""
    from deployer.build.local_builder import LocalBuilder
    from deployer.run.resolver import resolver

    return RunContext(resolver(host), run.report, run.tally, outside, LocalBuilder(host, run.report))


def converge_on(
    run: HostRun, host: Inventory, steps: Sequence[Step], doing: str, outside: Outside = not_looked_at
) -> int:
    """Bring this host (as it is wanted now: at another ref, say) to these steps; or tell what that would take."""
    return converge(run, Engine(host, run.transport, steps, operator_of(run, host, outside)), LockOwner.here(doing))


def converge_once(run: HostRun, title: str, changes: Sequence[Change], outside: Outside = not_looked_at) -> int:
    """Make these changes because they were asked for, whatever the host is like; or tell them."""
    return converge_all_once(run, title.partition(" ")[2].lower(), {title: changes}, outside)


def converge_all_once(
    run: HostRun, doing: str, steps: Mapping[str, Sequence[Change]], outside: Outside = not_looked_at
) -> int:
    """The same for several steps, by their titles: each one's success counts, also when a later one fails."""
    asked = tuple(OneOff(title, changes, token=uuid4().hex) for title, changes in steps.items())
    engine = Engine(run.host, run.transport, asked, RunContext(lambda names: {}, run.report, run.tally, outside))
    return converge(run, engine, LockOwner.here(doing))
