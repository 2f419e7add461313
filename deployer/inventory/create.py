"""A new host's files, as `init` writes them: valid from the start, and never over others."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.errors import UsageError
from deployer.inventory.host_files import host_name, syntax_mistake
from deployer.inventory.load import build
from deployer.inventory.mistakes import shown_path
from deployer.inventory.model import Inventory, Origin

Setting = str | int | bool | list[str]

HEADER = "# Used by `deployer COMMAND --host {name}`. Every key and its default: docs/inventory.md\n"
COMMON = {
    "": ('name = "biometric-did"', 'root = "/opt/biometric-did"'),
    "ssh": ("port = 22", 'user = "deploy"', 'identity_file = "~/.ssh/id_ed25519"'),
    "site": ('email = "admin@example.com"', 'aliases = ["www.example.com"]'),
    "source": ('repository = "https://github.com/FractionEstate/decentralized-did.git"', 'ref = "main"'),
    "tls": ('mode = "letsencrypt"',),
    "backup": ('schedule = "0 2 * * *"', "keep_days = 30"),
    "environment": ('CARDANO_NETWORK = "mainnet"',),
}
SECRETS = """\
# Secrets of {name}: NAME=value, one a line, this file readable by you only (chmod 600), never committed.
# API_SECRET_KEY and JWT_SECRET_KEY are generated on the host if they are missing here.
# RESTIC_PASSWORD=    required for backup.offsite; nothing can be restored from there without it: keep a copy elsewhere
"""


@dataclass(frozen=True)
class Answers:
    """The answers given to `init`. `further` holds any other keys of the inventory, such as `ssh.port`."""

    address: str
    domain: str
    email: str = ""
    further: Mapping[str, Setting] = field(default_factory=dict)

    def settings(self) -> dict[str, Setting]:
        given: dict[str, Setting] = {"ssh.address": self.address, "site.domain": self.domain}
        return given | ({"site.email": self.email} if self.email else {}) | dict(self.further)


def create(directory: Path, name: str, answers: Answers) -> tuple[Path, Path]:
    """Write NAME.toml and NAME.env. Raises UsageError when one exists or an answer is wrong."""
    file = directory / f"{host_name(name)}.toml"
    secrets = file.with_suffix(".env")
    for path in (file, secrets):
        if os.path.lexists(path):
            raise UsageError(f"{shown_path(path)} already exists", remedy="edit it, or choose another name")
    text = HEADER.format(name=name) + document(answers.settings())
    _check(text, file)
    directory.mkdir(parents=True, exist_ok=True)
    _write(secrets, SECRETS.format(name=name), 0o600)
    _write(file, text, 0o644)
    return file, secrets


def _check(text: str, file: Path) -> Inventory:
    try:
        return build(tomllib.loads(text), Origin(file))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(syntax_mistake(error).line(file)) from None


def document(settings: Mapping[str, Setting]) -> str:
    """TOML: the given settings, and keys that are often needed as comments."""
    tables = dict.fromkeys([*COMMON, *(_table(key) for key in settings)])
    return "\n".join(_section(table, settings) for table in tables)


def _section(table: str, settings: Mapping[str, Setting]) -> str:
    given = {key.rpartition(".")[2]: value for key, value in settings.items() if _table(key) == table}
    lines = [f"{key} = {_toml(value)}" for key, value in given.items()]
    hints = [f"# {line}" for line in COMMON.get(table, ()) if line.split(" ")[0] not in given]
    return "\n".join([*([f"[{table}]"] if table else []), *lines, *hints, ""])


def _table(key: str) -> str:
    return key.rpartition(".")[0]


def _toml(value: Setting) -> str:
    """JSON's literals are valid TOML, except for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, text: str, mode: int) -> None:
    staging = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
            opened.write(text)
        staging.rename(path)
    finally:
        staging.unlink(missing_ok=True)
