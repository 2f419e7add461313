"""Invoke tasks from the same definitions.

What Invoke's parser cannot do is listed in docs/invoke.md. `invoke --dry NAME` would run for real (Invoke's own flag
skips only what goes through its context): refused here.
"""

import inspect
from collections.abc import Callable, Sequence

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task, task

from deployer.cli.execute import Value, execute
from deployer.cli.explain import paragraphs
from deployer.commands import Entry
from deployer.run.command import Option

Body = Callable[..., None]


def collection(entries: Sequence[Entry]) -> Collection:
    """One task for each command. Invoke needs each task's signature: all of them are imported."""
    return Collection(*(_task(entry) for entry in entries))


def _task(entry: Entry) -> Task[Body]:
    command = entry.load()
    options = (*((command.argument,) if command.argument else ()), *command.options)
    needed = (command.argument,) if command.argument and command.argument_needed else ()

    def body(context: Context, **values: Value) -> None:
        if context.config.run.dry:
            raise Exit("invoke --dry is not a dry run here: use --dry-run after the task's name", code=2)
        code = execute(command, values)
        if code:
            raise Exit(code=code)

    body.__doc__ = "\n\n".join(paragraphs(entry, command, "invoke"))
    body.__signature__ = _signature(options, needed)  # type: ignore[attr-defined]  # what inspect.signature looks for
    decorate: Callable[[Body], Task[Body]] = task(
        name=entry.name,
        positional=[option.key for option in needed],
        auto_shortflags=False,
        help={option.key: option.help for option in options},
    )
    return decorate(body)


def _signature(options: Sequence[Option], needed: Sequence[Option]) -> inspect.Signature:
    """Invoke takes no optional argument by its place: one is an option here. Numbers are parsed by us: it would
    answer a wrong one with a traceback.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(option.key, kind, default=inspect.Parameter.empty if option in needed else _default(option))
        for option in options
    ]
    return inspect.Signature([inspect.Parameter("context", kind), *parameters])


def _default(option: Option) -> bool | str:
    return False if option.kind is bool else str(option.default or "")
