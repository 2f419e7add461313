"""The click group: `deployer --help` and completion read the table of commands and import none of them."""

from collections.abc import Callable
from itertools import groupby

import click
from click.shell_completion import CompletionItem

from deployer.cli.execute import Value, execute
from deployer.commands import TABLE, Entry
from deployer.errors import EXIT_CODES
from deployer.run.command import CHANGING, Command, Option

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
HELP = "Deploy the Biometric DID system: from a bare server to a verified HTTPS site, over SSH."


class Commands(click.Group):
    """All commands; one is imported when it runs, or when its own help is shown."""

    def __init__(self) -> None:
        super().__init__("deployer", help=HELP, context_settings=SETTINGS)
        self._entries = {entry.name: entry for entry in TABLE}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._entries.get(cmd_name)
        return _command(entry) if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By group, each with its complete summary."""
        for group, entries in groupby(TABLE, lambda entry: entry.group):
            with formatter.section(group):
                formatter.write_dl([(entry.name, entry.summary) for entry in entries])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])
        formatter.write_paragraph()
        formatter.write_text("Options of one command: deployer COMMAND --help")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's own, which would import every command for its help."""
        names = [CompletionItem(entry.name, help=entry.summary) for entry in TABLE if entry.name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


def _command(entry: Entry) -> click.Command:
    definition = entry.load()
    own_first = sorted(definition.options, key=lambda option: option in CHANGING)
    parameters: list[click.Parameter] = [_option(option) for option in own_first]
    if definition.argument:
        parameters.insert(0, _argument(definition.argument, needed=definition.argument_needed))
    text = "\n\n".join(part for part in (entry.summary, _argument_help(definition)) if part)
    return click.Command(entry.name, params=parameters, help=text, callback=_callback(definition))


def _argument_help(definition: Command) -> str:
    """click prints no help of an argument."""
    argument = definition.argument
    return f"{argument.key.upper()}: {argument.help}" if argument else ""


def _argument(argument: Option, *, needed: bool) -> click.Argument:
    """click requires none: a command that needs its argument reports what is missing, with an exit code of ours."""
    metavar = argument.key.upper()
    return click.Argument([argument.key], required=False, metavar=metavar if needed else f"[{metavar}]")


def _option(option: Option) -> click.Option:
    names = [f"--{option.name}", *([f"-{option.short}"] if option.short else []), option.key]
    if option.kind is bool:
        return click.Option(names, is_flag=True, default=False, help=option.help)
    shown = option.default not in (None, 0, "")
    return click.Option(names, type=option.kind, default=option.default, help=option.help, show_default=shown)


def _callback(definition: Command) -> Callable[..., None]:
    def run(**values: Value) -> None:
        click.get_current_context().exit(execute(definition, values))

    return run
