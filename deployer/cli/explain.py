"""The help of one command, the same text in both front ends: what it does, its argument, examples, exit codes."""

from collections.abc import Iterator

from deployer.commands import Entry
from deployer.errors import EXIT_CODES
from deployer.run.command import DRY_RUN, Command

NEEDS_CHANGES = (4, 5, 6, 10)
"""Exit codes that only a command ends with that changes the host."""


def paragraphs(entry: Entry, command: Command, program: str) -> Iterator[str]:
    """The first is the summary. In the others a line is a line: they must not be wrapped."""
    yield entry.summary
    if command.argument:
        yield f"{command.argument.key.upper()}: {command.argument.help}"
    if command.examples:
        examples = (f"  {program} {entry.name} {words}".rstrip() for words in command.examples)
        yield "\n".join(("Examples:", *examples))
    codes = (f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items() if _applies(code, command))
    yield "\n".join(("Exit codes:", *codes))


def _applies(code: int, command: Command) -> bool:
    return DRY_RUN in command.options or code not in NEEDS_CHANGES
