"""`invoke NAME …`: the tool's commands, and the tasks of its own development."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task

from deployer.cli.invoke import collection
from deployer.commands import TABLE
from tests.suite import STYLE, UNIT


def check(context: Context) -> None:
    """Style, types and unit tests; the same here and in CI."""
    for command in (*STYLE, UNIT):
        context.run(command, echo=True)


def bench(context: Context) -> None:
    """Figures, on a throwaway host: a run with nothing to do beside plain ssh."""
    context.run("python -m bench", echo=True)


namespace: Collection = collection(TABLE)
namespace.add_task(Task(check))
namespace.add_task(Task(bench))
