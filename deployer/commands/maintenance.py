"""`maintenance on|off`: the proxy shows a maintenance page, from one request to the next, without a restart."""

from collections.abc import Mapping

from deployer.engine.engine import Engine, RunContext
from deployer.engine.facts import Answer, Resolve
from deployer.engine.lock import LockOwner
from deployer.errors import UsageError
from deployer.remote.maintenance import STATES
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge
from deployer.run.host_run import HostRun, on_hosts
from deployer.site.maintenance import Maintenance
from deployer.steps import host_program


def maintenance(choices: Choices) -> int:
    given = choices.text("state")
    if given not in STATES:
        got = f", got {given!r}" if given else ""
        remedy = "run `deployer maintenance on` or `deployer maintenance off`"
        raise UsageError(f"maintenance: expected on or off{got}", remedy=remedy)
    return on_hosts(choices, _maintenance)


def _maintenance(run: HostRun) -> int:
    state = run.choices.text("state")
    owner = LockOwner.here(f"maintenance {state}")
    step = Maintenance(owner, on=state == "on")
    engine = Engine(run.host, run.transport, (host_program, step), RunContext(_no_names, run.report, run.verdicts))
    return converge(run, engine, owner)


def _no_names(asked: tuple[Resolve, ...]) -> Mapping[Resolve, Answer]:
    return {}


COMMAND = Command(
    maintenance,
    CHANGING,
    Option("state", "on or off", values=STATES),
    argument_needed=True,
    examples=("on --host prod", "off --host prod"),
)
