"""Rules between several keys, or between a key and a file. They are checked also when other keys are wrong.

The docstring of each rule is a line of docs/inventory.md.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel

from deployer.inventory.formats import is_absolute
from deployer.inventory.locations import is_origin
from deployer.inventory.mistakes import Mistake, shown
from deployer.inventory.model import LOCAL, Inventory, Origin, with_derived

DB_PASSWORD = re.compile(r"[A-Za-z0-9._~-]{8,}")


@dataclass(frozen=True)
class Given:
    """The file's values, with defaults; a key that is wrong in itself counts as not given."""

    tables: Mapping[str, object]
    wrong: Collection[str]
    origin: Origin

    def value(self, key: str) -> object:
        table, _, word = key.partition(".")
        found = self.tables.get(table, {})
        if key in self.wrong or table in self.wrong:
            return None
        if not word:
            return found
        return found.get(word, _default(table, word)) if isinstance(found, dict) else None

    def lacks(self, key: str) -> bool:
        """It is required and missing, and no other mistake was reported for it."""
        return not {key, key.partition(".")[0]}.intersection(self.wrong) and not self.text(key)

    def text(self, key: str) -> str:
        value = self.value(key)
        return str(value) if isinstance(value, str | PurePosixPath) else ""

    def texts(self, key: str) -> list[str]:
        value = self.value(key)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


Rule = Callable[[Given], Iterator[Mistake]]


def broken(given: Mapping[str, object], wrong: Collection[str], origin: Origin) -> list[Mistake]:
    values = Given(with_derived(given), wrong, origin)
    return [mistake for rule in RULES for mistake in rule(values)]


def _default(table: str, word: str) -> object:
    field = Inventory.model_fields.get(table)
    model = field.annotation if field else None
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or word not in model.model_fields:
        return None
    return model.model_fields[word].default


def letsencrypt_has_email(given: Given) -> Iterator[Mistake]:
    """With `tls.mode = "letsencrypt"`, `site.email` is required."""
    if given.text("tls.mode") == "letsencrypt" and given.lacks("site.email"):
        yield Mistake("site.email", 'missing: Let\'s Encrypt requires it; or set tls.mode = "self-signed"')


def provided_has_both(given: Given) -> Iterator[Mistake]:
    """With `tls.mode = "provided"`, `tls.certificate` and `tls.private_key` are required."""
    for key in ("tls.certificate", "tls.private_key"):
        if given.text("tls.mode") == "provided" and given.lacks(key):
            yield Mistake(key, 'missing: tls.mode = "provided" requires a PEM file')


def registry_has_images(given: Given) -> Iterator[Mistake]:
    """With `build.where = "registry"`, `backend.image` and `wallet.image` are required."""
    for key in ("backend.image", "wallet.image"):
        if given.text("build.where") == "registry" and given.lacks(key):
            yield Mistake(key, 'missing: build.where = "registry" requires "registry/name:tag"')


def files_exist(given: Given) -> Iterator[Mistake]:
    """Files on the operator's machine that a key names exist; relative paths begin in the inventory's directory."""
    keys = ("ssh.identity_file", "source.deploy_key", "tls.acme_ca", "tls.certificate", "tls.private_key")
    for key in keys:
        text = given.text(key)
        if text and not _is_file(given.origin.file.parent / Path(text).expanduser()):
            yield Mistake(key, "no such file; a relative path begins in the directory of this inventory", shown(text))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def names_are_different(given: Given) -> Iterator[Mistake]:
    """`site.domain`, `site.api_domain` and `site.aliases` are all different."""
    taken = {given.text("site.domain").lower()}
    api_domain = given.text("site.api_domain").lower()
    if api_domain and api_domain in taken:
        yield Mistake(
            "site.api_domain", "the API needs a domain of its own, such as api.<site.domain>", shown(api_domain)
        )
    taken.add(api_domain or f"api.{given.text('site.domain').lower()}")
    for alias in map(str.lower, given.texts("site.aliases")):
        if alias in taken:
            yield Mistake("site.aliases", "this name is used twice", shown(alias))
        taken.add(alias)


def local_has_no_gateway(given: Given) -> Iterator[Mistake]:
    """With `ssh.address = "local"` there is no `ssh.gateway`."""
    if given.text("ssh.address") == LOCAL and given.text("ssh.gateway"):
        yield Mistake(
            "ssh.gateway",
            'remove it: ssh.address = "local" is this machine itself, without SSH',
            shown(given.text("ssh.gateway")),
        )


def directories_are_apart(given: Given) -> Iterator[Mistake]:
    """`backup.directory` and `root` do not contain each other; `backend.data_dir` and `backend.log_dir` differ."""
    backup, logs = given.text("backup.directory"), given.text("backend.log_dir")
    if backup and _overlap(backup, given.text("root")):
        yield Mistake(
            "backup.directory",
            "choose a directory that neither contains root nor is inside it: a restore swaps root completely",
            shown(backup),
        )
    if logs and PurePosixPath(logs) == PurePosixPath(given.text("backend.data_dir")):
        yield Mistake("backend.log_dir", "choose another directory than backend.data_dir", shown(logs))


def _overlap(one: str, other: str) -> bool:
    if not (is_absolute(one) and is_absolute(other)):
        return False
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)


def copies_may_overlap(given: Given) -> Iterator[Mistake]:
    """With `backend.overlap = false`, `backend.replicas` is 1."""
    replicas = given.value("backend.replicas")
    if given.value("backend.overlap") is False and isinstance(replicas, int) and replicas > 1:
        yield Mistake(
            "backend.replicas",
            "write replicas = 1: with overlap = false two containers must never run at the same time",
            shown(replicas),
        )


def origins_are_origins(given: Given) -> Iterator[Mistake]:
    """`environment.CORS_ORIGINS`, if set, is a list of origins separated by commas, never `*`."""
    text = given.text("environment.CORS_ORIGINS")
    if text and not all(map(is_origin, text.split(","))):
        right = 'write origins separated by commas: "https://a.example.com,https://b.example.com", never "*"'
        yield Mistake("environment.CORS_ORIGINS", right, shown(text))


def database_has_one_address(given: Given) -> Iterator[Mistake]:
    """With `postgres.enabled = true`, NAME.env has no `DATABASE_URL`."""
    if given.value("postgres.enabled") is True and "DATABASE_URL" in given.origin.secrets:
        right = "{name} sets DATABASE_URL, which names another database: set this to false, or remove DATABASE_URL"
        yield Mistake("postgres.enabled", right.format(name=_secrets_file(given)), "true")


def database_password_fits(given: Given) -> Iterator[Mistake]:
    """With `postgres.enabled = true`, a `DB_PASSWORD` in NAME.env has 8 or more of letters, digits and `. _ ~ -`."""
    # It becomes part of a URL; and values shorter than 8 characters are not masked in output.
    password = given.origin.secrets.get("DB_PASSWORD")
    if given.value("postgres.enabled") is True and password and not DB_PASSWORD.fullmatch(password.reveal()):
        right = f"DB_PASSWORD in {_secrets_file(given)} becomes part of a URL: 8 or more of letters, digits and . _ ~ -"
        yield Mistake("postgres.enabled", f"{right}; remove the line and one is generated on the host")


def _secrets_file(given: Given) -> str:
    return given.origin.file.with_suffix(".env").name


def offsite_has_password(given: Given) -> Iterator[Mistake]:
    """With `backup.offsite`, NAME.env has `RESTIC_PASSWORD`."""
    if given.text("backup.offsite") and "RESTIC_PASSWORD" not in given.origin.secrets:
        name = _secrets_file(given)
        yield Mistake(
            "backup.offsite", f"RESTIC_PASSWORD is missing in {name}: off-site snapshots are always encrypted"
        )


RULES: tuple[Rule, ...] = (
    letsencrypt_has_email,
    provided_has_both,
    registry_has_images,
    files_exist,
    names_are_different,
    local_has_no_gateway,
    directories_are_apart,
    copies_may_overlap,
    origins_are_origins,
    database_has_one_address,
    database_password_fits,
    offsite_has_password,
)
