"""The definition of a command, from which both front ends are made, and what the user gave on the command line."""

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import UsageError

HOSTS, RELEASES, BACKUPS = "hosts", "releases", "backups"
"""What a shell can complete a value from, besides fixed words."""


@dataclass(frozen=True)
class Option:
    """A flag (`kind` bool), or an option with a value; `name` is without its leading dashes.

    A shell completes its value from `values`, or from `source`: HOSTS, RELEASES or BACKUPS.
    """

    name: str
    help: str
    kind: type[bool] | type[int] | type[str] = str
    short: str = ""
    default: bool | int | str | None = None
    values: tuple[str, ...] = ()
    source: str = ""

    @property
    def key(self) -> str:
        return key_of(self.name)


def key_of(name: str) -> str:
    """An option's name as a Python parameter: `dry_run`, `as_`."""
    return name.replace("-", "_") + ("_" if keyword.iskeyword(name) else "")


@dataclass(frozen=True)
class Choices:
    """What the user gave on the command line; absent options have their defaults."""

    values: Mapping[str, bool | int | str | None]
    environ: Mapping[str, str]
    directory: Path

    def text(self, name: str) -> str:
        value = self.values.get(key_of(name))
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Raises UsageError for a value that is not a number."""
        value = self.values.get(key_of(name)) or 0
        try:
            return int(value)
        except ValueError:
            raise UsageError(f"--{name} {value}: not a number") from None

    def flag(self, name: str) -> bool:
        return bool(self.values.get(key_of(name)))


@dataclass(frozen=True)
class Command:
    """What a command does (returning the exit code), and what it takes; its name and summary are in the table.

    A command that needs its `argument` raises UsageError without it. `examples` are words that follow its name.
    """

    run: Callable[[Choices], int]
    options: tuple[Option, ...] = ()
    argument: Option | None = None
    argument_needed: bool = False
    examples: tuple[str, ...] = ()


HOST = Option(
    "host", "a host or group of the inventory; default: $DEPLOYER_HOST, or the only host", short="H", source=HOSTS
)
INVENTORY = Option("inventory", "the inventory's directory; default: $DEPLOYER_INVENTORY, or ./inventory", short="i")
JSON = Option("json", "print events as JSON lines on standard output, and nothing else there", bool)
VERBOSE = Option("verbose", "show all remote output", bool, short="v")
QUIET = Option("quiet", "show only what changes or fails", bool, short="q")
DRY_RUN = Option("dry-run", "print what would change; nothing is written on the host", bool)
DIFF = Option("diff", "show the changes inside files", bool)
DETAILED = Option("detailed-exitcode", "with --dry-run: exit code 10 if anything would change", bool)
WAIT = Option("wait", "seconds to wait while another run holds the lock", int, default=0)
YES = Option("yes", "answer yes to every question, and never ask for a password", bool, short="y")

COMMON = (HOST, INVENTORY, JSON, VERBOSE, QUIET, YES)
CHANGING = (*COMMON, DRY_RUN, DIFF, DETAILED, WAIT)
