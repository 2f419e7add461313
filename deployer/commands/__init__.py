"""What a person can ask for: one module for each command, each with its definition in COMMAND.

Only the module of the command that runs is imported: a run pays for nothing that it does not need.
"""

from importlib import import_module

from deployer.run.command import Command

NAMES = (
    "init",
    "trust",
    "bootstrap",
    "provision",
    "verify",
    "update",
    "rollback",
    "releases",
    "backup",
    "backups",
    "drill",
    "restore",
    "renew",
    "maintenance",
    "status",
    "logs",
    "audit",
    "schema",
    "demo",
)
"""In the order in which a person meets them."""


def command(name: str) -> Command:
    """The definition of one command. Raises KeyError for a name that is none."""
    if name not in NAMES:
        raise KeyError(name)
    found = import_module(f"deployer.commands.{name}").COMMAND
    assert isinstance(found, Command)  # noqa: S101  # for the type checker
    return found


def commands() -> tuple[Command, ...]:
    """All of them, imported."""
    return tuple(command(name) for name in NAMES)
