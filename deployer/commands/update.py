"""`update`: the latest commit of the ref, with the inventory of today, as a new release without downtime."""

from deployer.releases.source import at_ref
from deployer.run.closing import show_way_on
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge_on, seen
from deployer.run.host_run import HostRun, on_hosts
from deployer.steps import UPDATE


def update(choices: Choices) -> int:
    return on_hosts(choices, _update)


def _update(run: HostRun) -> int:
    ref = run.choices.text("ref")
    host = at_ref(run.host, ref) if ref else run.host
    code = converge_on(run, host, UPDATE, f"update --ref {ref}" if ref else "update", lambda: seen(run))
    show_way_on(run, undo="rollback")
    return code


COMMAND = Command(
    update,
    (*CHANGING, Option("ref", "a branch, tag or commit instead of the inventory's source.ref")),
    examples=("--host prod", "--host prod --ref v1.4.0", "--host prod --dry-run"),
)
