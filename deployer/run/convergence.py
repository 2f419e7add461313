"""What all commands that change a host share: the plan alone with --dry-run, otherwise the plan and its changes."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from deployer.build.local_builder import LocalBuilder
from deployer.engine.changes import Change
from deployer.engine.engine import Engine, RunContext
from deployer.engine.executor import Outside, not_looked_at
from deployer.engine.lock import LockOwner
from deployer.engine.oneoff import OneOff
from deployer.engine.step import Step
from deployer.inventory.model import Inventory
from deployer.run.host_run import HostRun
from deployer.run.resolver import resolver
from deployer.verify.outside import faults


def converge(run: HostRun, engine: Engine, owner: LockOwner) -> int:
    """Apply the engine's plan, or with --dry-run report it; returns the exit code."""
    if run.choices.flag("dry-run"):
        differs = any(planned.changes or planned.unknown for planned in engine.preview())
        return 10 if differs and run.choices.flag("detailed-exitcode") else 0
    engine.apply(owner, wait=run.choices.number("wait"))
    return 0


def seen(run: HostRun) -> Mapping[str, str]:
    """What is wrong with the site as a visitor sees it: by name of the check, what it found."""
    return faults(run.host, run.transport)


def run_context(run: HostRun, host: Inventory, outside: Outside = not_looked_at) -> RunContext:
    """The operator's side of a run that may build images. `host` may differ from the run's, by its ref for example."""
    return RunContext(resolver(host), run.report, run.verdicts, outside, LocalBuilder(host, run.report))


def converge_on(
    run: HostRun, host: Inventory, steps: Sequence[Step], command: str, outside: Outside = not_looked_at
) -> int:
    """Apply these steps to `host`, or with --dry-run report what they would change; returns the exit code."""
    return converge(run, Engine(host, run.transport, steps, run_context(run, host, outside)), LockOwner.here(command))


def converge_once(
    run: HostRun,
    title: str,
    changes: Sequence[Change],
    outside: Outside = not_looked_at,
    before: Sequence[Step] = (),
) -> int:
    """Make these changes because the user asked for them, in whatever state the host is; returns the exit code.

    `before` are steps that bring the host to where the changes can be made.
    """
    return converge_all_once(run, title.partition(" ")[2].lower(), {title: changes}, outside, before)


def converge_all_once(
    run: HostRun,
    command: str,
    steps: Mapping[str, Sequence[Change]],
    outside: Outside = not_looked_at,
    before: Sequence[Step] = (),
) -> int:
    """The same for several steps, by their titles: each one's success counts, also when a later one fails."""
    oneoffs = tuple(OneOff(title, changes, token=uuid4().hex) for title, changes in steps.items())
    context = RunContext(lambda names: {}, run.report, run.verdicts, outside)
    engine = Engine(run.host, run.transport, (*before, *oneoffs), context)
    return converge(run, engine, LockOwner.here(command))
