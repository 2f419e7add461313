"""`update`: the ref's newest commit (and what the inventory says now) as a new release, with no dropped request."""

from deployer.inventory.model import Inventory
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts


def update(choices: Choices) -> int:
    return on_hosts(choices, _update)


def _update(run: HostRun) -> int:
    from deployer.run.convergence import converge_on, seen
    from deployer.steps import UPDATE

    ref = run.choices.text("ref")
    host = at_ref(run.host, ref) if ref else run.host
    return converge_on(run, host, UPDATE, f"update --ref {ref}" if ref else "update", lambda: seen(run))


def at_ref(host: Inventory, ref: str) -> Inventory:
    """The same host at another ref. Raises UsageError where that cannot be one."""
    from pydantic import ValidationError

    from deployer.errors import UsageError
    from deployer.inventory.sections import Source

    try:
        source = Source.model_validate({**host.source.model_dump(), "ref": ref})
    except ValidationError:
        raise UsageError(f"--ref: got {ref!r}", remedy="a branch, a tag or a commit, as git names them") from None
    return host.model_copy(update={"source": source})


COMMAND = Command(
    update,
    (*CHANGING, Option("ref", "a branch, tag or commit instead of the inventory's source.ref")),
)
