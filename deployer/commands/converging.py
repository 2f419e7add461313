"""What all commands that bring a host to a plan share: the plan alone, or the plan and then its acts."""

from collections.abc import Mapping

from deployer.commands.running import Run
from deployer.engine import Engine
from deployer.remote.holder import Holder


def converge(run: Run, engine: Engine, holder: Holder) -> int:
    """Apply the engine's plan, or with --dry-run tell it; gives the exit code."""
    if run.choices.flag("dry-run"):
        differs = any(planned.changes or planned.unknown for planned in engine.preview())
        return 10 if differs and run.choices.flag("detailed-exitcode") else 0
    engine.apply(holder, wait=run.choices.number("wait"))
    return 0


def seen(run: Run) -> Mapping[str, str]:
    """What is wrong with the site as a visitor sees it."""
    from deployer.commands.verify import seen_wrong  # a run that changes nothing does not pay for it

    return seen_wrong(run)
