"""What several keys, or a key and a file, must agree on. Checked also when other keys are wrong."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel

from deployer.inventory.mistakes import Mistake, shown
from deployer.inventory.model import LOCAL, Inventory, Origin, with_derived
from deployer.inventory.names import is_origin
from deployer.inventory.texts import is_absolute

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
        """It is needed and not there, and nothing else was said about it."""
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
    if given.text("tls.mode") == "letsencrypt" and given.lacks("site.email"):
        yield Mistake("site.email", 'missing: Let\'s Encrypt needs it (or tls.mode = "self-signed")')


def provided_has_both(given: Given) -> Iterator[Mistake]:
    for key in ("tls.certificate", "tls.private_key"):
        if given.text("tls.mode") == "provided" and given.lacks(key):
            yield Mistake(key, 'missing: tls.mode = "provided" needs a PEM file')


def registry_has_images(given: Given) -> Iterator[Mistake]:
    for key in ("backend.image", "wallet.image"):
        if given.text("build.where") == "registry" and given.lacks(key):
            yield Mistake(key, 'missing: build.where = "registry" needs "registry/name:tag"')


def files_exist(given: Given) -> Iterator[Mistake]:
    keys = ("ssh.identity_file", "source.deploy_key", "tls.acme_ca", "tls.certificate", "tls.private_key")
    for key in keys:
        text = given.text(key)
        if text and not _is_file(given.origin.file.parent / Path(text).expanduser()):
            yield Mistake(key, "there is no such file (a relative path begins beside this file)", shown(text))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def names_are_different(given: Given) -> Iterator[Mistake]:
    taken = {given.text("site.domain").lower()}
    api_domain = given.text("site.api_domain").lower()
    if api_domain and api_domain in taken:
        yield Mistake("site.api_domain", "the API needs a name of its own, such as api.<domain>", shown(api_domain))
    taken.add(api_domain or f"api.{given.text('site.domain').lower()}")
    for alias in map(str.lower, given.texts("site.aliases")):
        if alias in taken:
            yield Mistake("site.aliases", "this name stands here already", shown(alias))
        taken.add(alias)


def local_has_no_gateway(given: Given) -> Iterator[Mistake]:
    if given.text("ssh.address") == LOCAL and given.text("ssh.gateway"):
        yield Mistake(
            "ssh.gateway",
            'there is no way to go with ssh.address = "local"',
            shown(given.text("ssh.gateway")),
        )


def directories_are_apart(given: Given) -> Iterator[Mistake]:
    """A restore swaps the root directory as a whole; two mounts cannot share a place."""
    backup, logs = given.text("backup.directory"), given.text("backend.log_dir")
    if backup and _overlap(backup, given.text("root")):
        yield Mistake("backup.directory", "backups are neither in the root directory nor around it", shown(backup))
    if logs and PurePosixPath(logs) == PurePosixPath(given.text("backend.data_dir")):
        yield Mistake("backend.log_dir", "logs and data are in two directories", shown(logs))


def _overlap(one: str, other: str) -> bool:
    if not (is_absolute(one) and is_absolute(other)):
        return False
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)


def copies_may_overlap(given: Given) -> Iterator[Mistake]:
    replicas = given.value("backend.replicas")
    if given.value("backend.overlap") is False and isinstance(replicas, int) and replicas > 1:
        yield Mistake("backend.replicas", "one, when overlap = false: two copies must never run", shown(replicas))


def origins_are_origins(given: Given) -> Iterator[Mistake]:
    text = given.text("environment.CORS_ORIGINS")
    if text and not all(map(is_origin, text.split(","))):
        right = 'origins, with commas between: "https://a.example.com,https://b.example.com", never "*"'
        yield Mistake("environment.CORS_ORIGINS", right, shown(text))


def database_has_one_address(given: Given) -> Iterator[Mistake]:
    if given.value("postgres.enabled") is True and "DATABASE_URL" in given.origin.secrets:
        right = "a database here and DATABASE_URL in {name}, which names another: false, or take that line out"
        yield Mistake("postgres.enabled", right.format(name=_secrets_file(given)), "true")


def database_password_fits(given: Given) -> Iterator[Mistake]:
    """It becomes a part of DATABASE_URL as it stands; what is shorter is not masked in what the host prints."""
    password = given.origin.secrets.get("DB_PASSWORD")
    if given.value("postgres.enabled") is True and password and not DB_PASSWORD.fullmatch(password.reveal()):
        right = f"DB_PASSWORD in {_secrets_file(given)} stands in a URL: 8 or more of letters, digits and . _ ~ -"
        yield Mistake("postgres.enabled", f"{right}; take the line out and one is made on the host")


def _secrets_file(given: Given) -> str:
    return given.origin.file.with_suffix(".env").name


def offsite_has_password(given: Given) -> Iterator[Mistake]:
    if given.text("backup.offsite") and "RESTIC_PASSWORD" not in given.origin.secrets:
        name = _secrets_file(given)
        yield Mistake("backup.offsite", f"its RESTIC_PASSWORD is missing in {name}: no copy without encryption")


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
