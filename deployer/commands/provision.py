"""`provision`: everything, in the guide's order, idempotently; ends with `verify`."""

import getpass
import platform
from datetime import UTC, datetime

from deployer.commands.command import CHANGING, Choices, Command, Option
from deployer.commands.names import resolver
from deployer.commands.running import Run, on_hosts
from deployer.engine import Engine
from deployer.remote.session import Holder
from deployer.steps import GUIDE


def provision(choices: Choices) -> int:
    return on_hosts(choices, _provision)


def _provision(run: Run) -> int:
    engine = Engine(run.host, run.transport, GUIDE, resolver(run.host), run.report, run.tally)
    if run.choices.flag("dry-run"):
        plans = engine.preview()
        differs = any(planned.changes or planned.unknown for planned in plans)
        return 10 if differs and run.choices.flag("detailed-exitcode") else 0
    engine.apply(holder("provision"), wait=run.choices.number("wait"))
    if not run.choices.flag("no-verify"):
        from deployer.commands.verify import verify_host  # noqa: PLC0415  # a run without it does not pay for it

        verify_host(run)
    return 0


def holder(command: str) -> Holder:
    """Who runs this, from where, since when."""
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Holder(f"{getpass.getuser()}@{platform.node()}", command, since)


COMMAND = Command(
    "provision",
    "Bring a host to the guide's deployment: everything, in order, idempotently; ends with verify.",
    provision,
    (*CHANGING, Option("no-verify", "leave out the look from outside at the end", bool)),
)
