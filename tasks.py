"""`invoke NAME …`: the tool's commands, and the tasks of its own development."""

from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task

from deployer.cli.invoke import collection
from deployer.commands import commands
from deployer.inventory import documents

CHECKED = "deployer testbed tests bench tasks.py"


def check(context: Context) -> None:
    """Style, types and unit tests; the same here and in CI."""
    context.run(f"ruff format --check {CHECKED}", echo=True)
    context.run(f"ruff check {CHECKED}", echo=True)
    context.run("mypy", echo=True)
    context.run("pytest tests/unit -q -n auto", echo=True)


def bench(context: Context) -> None:
    """Figures, on a throwaway host: a run with nothing to do beside plain ssh."""
    context.run("python -m bench", echo=True)


def docs(_: Context) -> None:
    """Write docs/inventory.md and inventory/example.toml anew from the inventory's tables."""
    documents.write(Path(__file__).parent)


namespace: Collection = collection(commands())
namespace.add_task(Task(check))
namespace.add_task(Task(bench))
namespace.add_task(Task(docs))
