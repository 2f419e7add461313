"""The click group: usage errors exit 2, --help and completion work everywhere."""

from collections.abc import Callable, Sequence

import click

from deployer.commands.command import Command, Option
from deployer.frontends.running import Value, execute


def group(commands: Sequence[Command]) -> click.Group:
    made = click.Group("deployer", help="From a bare server to a verified HTTPS deployment, over SSH.")
    made.context_settings = {"help_option_names": ["-h", "--help"]}
    for command in commands:
        made.add_command(_command(command))
    return made


def _command(command: Command) -> click.Command:
    parameters: list[click.Parameter] = [_option(option) for option in command.options]
    if command.argument:
        parameters.insert(0, click.Argument([command.argument.key], required=False))
    return click.Command(command.name, params=parameters, help=command.help, callback=_callback(command))


def _option(option: Option) -> click.Option:
    names = [f"--{option.name}", *([f"-{option.short}"] if option.short else []), option.key]
    if option.kind is bool:
        return click.Option(names, is_flag=True, default=False, help=option.help)
    return click.Option(names, type=option.kind, default=option.default, help=option.help)


def _callback(command: Command) -> Callable[..., None]:
    def run(**values: Value) -> None:
        click.get_current_context().exit(execute(command, values))

    return run
