"""`provision`: the complete guide, in its order, idempotently; ends with `verify`."""

from deployer.commands.verify import verify_host
from deployer.engine.executor import not_looked_at
from deployer.run.closing import show_way_on
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge_on, seen
from deployer.run.host_run import HostRun, on_hosts
from deployer.steps import GUIDE


def provision(choices: Choices) -> int:
    return on_hosts(choices, _provision)


def _provision(run: HostRun) -> int:
    outside = not_looked_at if run.choices.flag("no-verify") else lambda: seen(run)
    code = converge_on(run, run.host, GUIDE, "provision", outside)
    if not run.choices.flag("dry-run") and not run.choices.flag("no-verify"):
        verify_host(run)
    show_way_on(run)
    return code


COMMAND = Command(
    provision,
    (*CHANGING, Option("no-verify", "skip the checks from outside", bool)),
    examples=("--host prod --dry-run --diff", "--host prod"),
)
