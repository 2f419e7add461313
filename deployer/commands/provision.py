"""`provision`: everything, in the guide's order, idempotently; ends with `verify`."""

from collections.abc import Mapping

from deployer.commands.command import CHANGING, Choices, Command, Option
from deployer.commands.running import Run, on_hosts


def provision(choices: Choices) -> int:
    return on_hosts(choices, _provision)


def seen(run: Run) -> Mapping[str, str]:
    from deployer.commands.verify import seen_wrong  # a run that changes nothing does not pay for it

    return seen_wrong(run)


def _provision(run: Run) -> int:
    from deployer.acting import not_looked_at
    from deployer.building.workshop import Workshop
    from deployer.commands.names import resolver  # while the connection is being made: it takes as long
    from deployer.engine import Engine, Operator
    from deployer.remote.holder import Holder
    from deployer.steps import GUIDE

    outside = not_looked_at if run.choices.flag("no-verify") else lambda: seen(run)
    sender = Workshop(run.host, run.report)
    operator = Operator(resolver(run.host), run.report, run.tally, outside, sender)
    engine = Engine(run.host, run.transport, GUIDE, operator)
    if run.choices.flag("dry-run"):
        differs = any(planned.changes or planned.unknown for planned in engine.preview())
        return 10 if differs and run.choices.flag("detailed-exitcode") else 0
    engine.apply(Holder.here("provision"), wait=run.choices.number("wait"))
    if not run.choices.flag("no-verify"):
        from deployer.commands.verify import verify_host  # a run without it does not pay for it

        verify_host(run)
    return 0


COMMAND = Command(
    "provision",
    "Bring a host to the guide's deployment: everything, in order, idempotently; ends with verify.",
    provision,
    (*CHANGING, Option("no-verify", "leave out the look from outside at the end", bool)),
)
