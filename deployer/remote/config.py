"""The settings of the host program: remote.json, which the tool puts next to it. No secret is in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TypeVar, get_type_hints

from deployer.remote.failure import NotUnderstood

FILE = "remote.json"

Made = TypeVar("Made")


@dataclass(frozen=True)
class Certificate:
    """Which certificate is made, and by whom."""

    mode: str
    """letsencrypt, self-signed or provided: the inventory's tls.mode."""
    names: list[str]
    """What it covers; the first one is its name at certbot."""
    server: str
    email: str
    authority: str
    """The file with the CA of the ACME server's own certificate; empty for one that the host trusts anyhow."""


@dataclass(frozen=True)
class Hooks:
    """Commands that run in the new backend's container, by their words; none where there are no words."""

    before_switch: list[str]
    after_switch: list[str]
    on_failure: list[str]


@dataclass(frozen=True)
class Release:
    """How releases are rolled out: seconds, and commands."""

    healthy_within: int
    settle: int
    drain: int
    hooks: Hooks


@dataclass(frozen=True)
class Backup:
    """Where backups are, and how long they are kept."""

    directory: str
    keep_days: int
    keep_min: int
    offsite: bool
    """Whether they are copied elsewhere, by restic."""


@dataclass(frozen=True)
class Drill:
    """How the application is asked whether it is well on a backup's data."""

    check: list[str]
    """The application's own check of its data, by its words; none where there is none."""
    port: int
    health_path: str


@dataclass(frozen=True)
class Postgres:
    """The database; an empty name where there is none."""

    database: str
    user: str


@dataclass(frozen=True)
class Config:
    """What the verbs know of the deployment."""

    version: str
    """Of the tool that wrote it."""
    name: str
    root: str
    secret_words: list[str]
    """A variable whose name contains one of these, in upper or lower case, is a secret in every file."""
    certificate: Certificate
    backup: Backup
    drill: Drill
    postgres: Postgres
    proxy_image: str
    release: Release

    @classmethod
    def beside(cls, program: Path) -> "Config":
        """Read the file beside the program. Raises Failure where it is absent or is not one of this version."""
        file = program.with_name(FILE)
        try:
            return _made(cls, json.loads(file.read_bytes()), FILE)
        except (OSError, ValueError) as error:
            raise NotUnderstood(f"{file} cannot be read ({error}): run `deployer provision`") from error

    @property
    def root_directory(self) -> Path:
        return Path(self.root)

    @property
    def state(self) -> Path:
        """The directory of the tool on the host."""
        return self.root_directory / ".deployer"

    @property
    def environment(self) -> Path:
        """The application's .env."""
        return self.root_directory / ".env"

    @property
    def backups(self) -> Path:
        """The directory of the backups."""
        return Path(self.backup.directory)

    @property
    def offsite(self) -> Path:
        """The directory of restic's cache, and of what is known of the off-site repository."""
        return self.state / "offsite"

    @property
    def source(self) -> Path:
        """The clone of the application's repository."""
        return self.root_directory / "src"

    @property
    def database(self) -> Path:
        """The data of PostgreSQL, which its container writes."""
        return self.root_directory / "postgres"

    @property
    def nginx(self) -> Path:
        """The directory of the proxy's configuration, certificates and logs."""
        return self.root_directory / "nginx"


def _made(kind: type[Made], given: object, where: str) -> Made:
    """A dataclass from its JSON: all of its fields, nothing else, each of its type."""
    if not isinstance(given, Mapping) or set(given) != {field.name for field in fields(kind)}:  # type: ignore[arg-type]
        raise ValueError(f"{where} has other keys than this program expects")
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in given.items()})


def _value(kind: object, given: object, where: str) -> object:
    if isinstance(kind, type) and is_dataclass(kind):
        return _made(kind, given, where)
    if not isinstance(given, getattr(kind, "__origin__", kind)):  # type: ignore[arg-type]
        raise ValueError(f"{where} is of another type")
    return given
