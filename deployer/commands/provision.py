"""`provision`: everything, in the guide's order, idempotently; ends with `verify`."""

from deployer.commands.command import CHANGING, Choices, Command, Option
from deployer.commands.running import Run, on_hosts


def provision(choices: Choices) -> int:
    return on_hosts(choices, _provision)


def _provision(run: Run) -> int:
    from deployer.commands.names import resolver  # while the connection is being made: it takes as long
    from deployer.engine import Engine
    from deployer.remote.holder import Holder
    from deployer.steps import GUIDE

    engine = Engine(run.host, run.transport, GUIDE, resolver(run.host), run.report, run.tally)
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
