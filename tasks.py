"""`invoke NAME …`: the tool's commands, and the tasks of its own development."""

from datetime import date
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from deployer.cli.invoke import collection
from deployer.commands import TABLE
from development.coverage import summary
from development.release import Refused
from development.release import release as make_release
from tests.suite import STYLE, UNIT


def check(context: Context) -> None:
    """Style, types and unit tests; the same here and in CI."""
    for command in (*STYLE, UNIT):
        context.run(command, echo=True)


def bench(context: Context) -> None:
    """Figures, on a throwaway host: a run with nothing to do, compared with plain ssh."""
    context.run("python -m bench", echo=True)


def coverage(context: Context, tests: str = "tests/unit") -> None:
    """How many of deployer's statements the unit tests run, and the ten files with the smallest share.

    --tests names other tests; those on hosts start the tool as a process, which is measured too.
    """
    context.run("coverage erase")
    context.run(f"coverage run -m pytest {tests} -q -n auto", echo=True)
    context.run("coverage combine --quiet")
    print(summary())


def release(context: Context, version: str = "", full_tests: bool = False) -> None:
    """Check, test, date the changelog, write the version, commit and tag; pushes nothing.

    --full-tests runs script/test in place of style, types and unit tests alone.
    """

    def test() -> None:
        if full_tests:
            context.run("script/test", echo=True)
        else:
            check(context)

    try:
        tag = make_release(Path(__file__).parent, version, date.today(), test)
    except Refused as refused:
        raise Exit(f"Not released.\n{refused}", code=1) from None
    print(f"Released as {tag}. Nothing is pushed yet: git push origin main {tag}")


namespace: Collection = collection(TABLE)
for task in (check, bench, coverage, release):
    namespace.add_task(Task(task))
