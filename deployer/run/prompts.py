"""Questions to the user: only on a terminal, never where the output is for a program."""

import sys

import click

from deployer.errors import Interrupted
from deployer.run.command import Choices


def can_ask(choices: Choices) -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty() and not choices.flag("json") and not choices.flag("yes")


def ask(question: str, *, hidden: bool = False) -> str:
    """A line, never an empty one. Raises Interrupted on Ctrl-C and at the end of the input."""
    try:
        return str(click.prompt(question, err=True, hide_input=hidden, confirmation_prompt=False))
    except click.Abort:
        raise _aborted() from None


def agrees(question: str) -> bool:
    """Yes or no; no is the default."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        raise _aborted() from None


def _aborted() -> Interrupted:
    return Interrupted("no answer was given; nothing was changed")
