"""What the shell offers for a value: fixed words, the hosts of the inventory, or what a host has.

A host is asked as the command would ask it, but never for a password.
"""

import os
from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from deployer.run.command import HOSTS, Choices, Option

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completing(option: Option) -> Complete:
    """Given an option, or an argument, what completes its value."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        words = _offered(option.source, context) if option.source else option.values
        return [CompletionItem(word) for word in words if word.startswith(begun)]

    return complete


def _offered(source: str, context: click.Context) -> list[str]:
    """Late imports: `deployer --help` needs none of it, and hosts need nothing that connects."""
    choices = Choices({**context.params, "yes": True}, dict(os.environ), Path.cwd())
    if source == HOSTS:
        from deployer.inventory.host_files import directory, hosts

        return hosts(directory(choices.text("inventory"), choices.environ, choices.directory))
    from deployer.cli.offers import offers

    return offers(source, choices)
