"""The click group: usage errors exit 2, --help and completion work everywhere."""

from collections.abc import Callable

import click

from deployer.cli.execute import Value, execute
from deployer.commands import NAMES, command
from deployer.run.command import Command, Option


class Commands(click.Group):
    """All commands; one is imported when it is asked for (click's pattern of a lazy group)."""

    def __init__(self) -> None:
        settings = {"help_option_names": ["-h", "--help"]}
        super().__init__(
            "deployer", help="From a bare server to a verified HTTPS deployment.", context_settings=settings
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(command(cmd_name)) if cmd_name in NAMES else None


def _command(definition: Command) -> click.Command:
    parameters: list[click.Parameter] = [_option(option) for option in definition.options]
    if definition.argument:
        parameters.insert(0, click.Argument([definition.argument.key], required=False))
    return click.Command(definition.name, params=parameters, help=definition.help, callback=_callback(definition))


def _option(option: Option) -> click.Option:
    names = [f"--{option.name}", *([f"-{option.short}"] if option.short else []), option.key]
    if option.kind is bool:
        return click.Option(names, is_flag=True, default=False, help=option.help)
    return click.Option(names, type=option.kind, default=option.default, help=option.help)


def _callback(definition: Command) -> Callable[..., None]:
    def run(**values: Value) -> None:
        click.get_current_context().exit(execute(definition, values))

    return run
