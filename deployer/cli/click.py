"""The click group: `deployer --help` and completion read the table of commands and import none of them.

The options that most commands share may stand before the command, too: `deployer --host prod status`.
"""

from collections.abc import Callable
from itertools import groupby

import click
from click.shell_completion import CompletionItem

from deployer import __version__
from deployer.cli.completion import completing
from deployer.cli.execute import Value, execute
from deployer.cli.explain import paragraphs
from deployer.commands import TABLE, Entry
from deployer.errors import EXIT_CODES
from deployer.run.command import CHANGING, COMMON, Command, Option

PROGRAM = "deployer"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
HELP = "Deploy the Biometric DID system: from a bare server to a verified HTTPS site, over SSH."


class Commands(click.Group):
    """All commands; one is imported when it runs, or when its own help is shown."""

    def __init__(self) -> None:
        shared = [_version(), *(_option(option) for option in COMMON)]
        super().__init__(PROGRAM, help=HELP, context_settings=SETTINGS, params=shared)
        self._entries = {entry.name: entry for entry in TABLE}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "help":
            return _help(self)
        entry = self._entries.get(cmd_name)
        return _command(entry) if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What was given before the command is its default; what stands after the command wins."""
        if not args[0].startswith("-"):
            self._require(ctx, args[0])
        name, command, rest = super().resolve_command(ctx, args)
        if name and command:
            ctx.default_map = {name: _shared(ctx, command)}
        return name, command, rest

    def _require(self, ctx: click.Context, name: str) -> None:
        """Raises click.UsageError, with the commands that have a similar name."""
        if name in self._entries or name == "help":
            return
        from difflib import get_close_matches  # only what is misspelt needs it

        near = " or ".join(get_close_matches(name, self._entries, n=2))
        what = f"No such command {name!r}." + (f" Did you mean {near}?" if near else "")
        raise click.UsageError(what, ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By group, each with its complete summary."""
        for group, entries in groupby(TABLE, lambda entry: entry.group):
            with formatter.section(group):
                formatter.write_dl([(entry.name, entry.summary) for entry in entries])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])
        formatter.write_paragraph()
        formatter.write_text("Options and examples of one command: deployer COMMAND --help")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's own, which would import every command for its help."""
        names = [CompletionItem(entry.name, help=entry.summary) for entry in TABLE if entry.name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


def _shared(ctx: click.Context, command: click.Command) -> dict[str, object]:
    """The options before a command, by their keys. Raises click.UsageError for one that the command does not have."""
    known = {parameter.name for parameter in command.params}
    given = {key: value for key, value in ctx.params.items() if value}
    if unknown := given.keys() - known:
        raise click.UsageError(f"{command.name} has no option --{min(unknown)}", ctx)
    return given


def _version() -> click.Option:
    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(f"{PROGRAM} {__version__}")
            ctx.exit()

    text = "Show the version and exit."
    return click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=text)


def _help(group: Commands) -> click.Command:
    """The command `help NAME` shows the same as `NAME --help`."""

    def show(command: str | None) -> None:
        root = click.get_current_context().find_root()
        if command is None:
            click.echo(group.get_help(root))
            return
        group._require(root, command)
        found = group.get_command(root, command)
        assert found  # noqa: S101  # for the type checker
        click.echo(found.get_help(click.Context(found, parent=root, info_name=command)))

    return click.Command("help", params=[click.Argument(["command"], required=False)], callback=show)


def _command(entry: Entry) -> click.Command:
    definition = entry.load()
    own_first = sorted(definition.options, key=lambda option: option in CHANGING)
    parameters: list[click.Parameter] = [_option(option) for option in own_first]
    if definition.argument:
        parameters.insert(0, _argument(definition.argument, needed=definition.argument_needed))
    summary, *others = paragraphs(entry, definition, PROGRAM)
    text = "\n\n".join((summary, *(f"\b\n{each}" for each in others)))
    return click.Command(entry.name, params=parameters, help=text, callback=_callback(definition))


def _argument(argument: Option, *, needed: bool) -> click.Argument:
    """click requires none: a command that needs its argument reports what is missing, with an exit code of ours."""
    metavar = argument.key.upper()
    shown = metavar if needed else f"[{metavar}]"
    return click.Argument([argument.key], required=False, metavar=shown, shell_complete=completing(argument))


def _option(option: Option) -> click.Option:
    names = [f"--{option.name}", *([f"-{option.short}"] if option.short else []), option.key]
    if option.kind is bool:
        return click.Option(names, is_flag=True, default=False, help=option.help)
    shown = option.default not in (None, 0, "")
    return click.Option(
        names,
        type=option.kind,
        default=option.default,
        help=option.help,
        show_default=shown,
        shell_complete=completing(option),
    )


def _callback(definition: Command) -> Callable[..., None]:
    def run(**values: Value) -> None:
        click.get_current_context().exit(execute(definition, values))

    return run
