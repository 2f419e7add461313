"""No text of the inventory can mean something else where it ends up."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import InventoryError
from deployer.inventory.load import build
from deployer.inventory.model import Origin

from .example import EXAMPLE, inventory, look_up

FREE = (
    "backend.command",
    "backup.check",
    "hooks.before_switch",
    "hooks.after_switch",
    "hooks.on_failure",
    "environment",
)
FREE_VALUES = (*FREE, "backend.build_args")
PASSED_ON = ("ssh.identity_file", "source.deploy_key", "tls.acme_ca", "tls.certificate", "tls.private_key")
SAFE = {
    "wallet.content_security_policy": r"""[ -~]*""",
    "backup.schedule": r"[0-9a-z*/, -]+",
    "backup.drill_schedule": r"[0-9a-z*/, -]+",
    "ssh.known_hosts": r"""[^\0-\x1f\x7f"'`$;&|<>*?\\!#]+""",
}
UNQUOTED = r"[A-Za-z0-9._~:/?@#&+,=%\[\]-]*"
NASTY = [
    " ",
    '"',
    "'",
    "$",
    "$(id)",
    "\n",
    "\r",
    ";",
    "`",
    "\0",
    "\\",
    "{",
    "}",
    "#",
    "%",
    "é",
    "\u202e",
    "|",
    "&",
]

TEXTS = {
    "name": "shop",
    "root": "/srv/shop",
    "ssh.address": "host.example.com",
    "ssh.user": "deploy",
    "ssh.known_hosts": "known_hosts",
    "ssh.gateway": "ops@bastion.example.com:22",
    "site.domain": "www.example.com",
    "site.api_domain": "other.example.com",
    "site.email": "a@example.com",
    "site.address": "203.0.113.1",
    "network.subnet": "10.0.0.0/24",
    "source.repository": "git@example.com:a/b.git",
    "source.ref": "v1.0",
    "tls.acme_server": "https://ca.example.com:14000/dir",
    "tls.mode": "self-signed",
    "docker.packages": "distribution",
    "docker.apt_repository": "https://apt.example.com/linux",
    "docker.apt_key": "https://apt.example.com/gpg",
    "build.where": "operator",
    "backend.image": "registry.example.com/api:1",
    "backend.context": "core",
    "backend.dockerfile": "core/Dockerfile",
    "backend.target": "secure",
    "backend.health_path": "/health",
    "backend.data_dir": "/data",
    "backend.log_dir": "/logs",
    "backend.working_dir": "/app",
    "backend.memory": "2G",
    "backend.cpus": "1.5",
    "wallet.image": "registry.example.com/wallet:1",
    "wallet.context": "wallet",
    "wallet.dockerfile": "guide",
    "wallet.output_dir": "build",
    "wallet.api_url_variable": "BIOMETRIC_API_URL",
    "wallet.content_security_policy": "default-src 'self'",
    "nginx.image": "nginx:1.29-alpine",
    "nginx.rate_limit": "300r/m",
    "postgres.image": "postgres:15",
    "postgres.database": "biometric_did",
    "postgres.user": "app_user",
    "backup.directory": "/backups/shop",
    "backup.schedule": "0 2 * * *",
    "backup.drill_schedule": "0 4 * * 0",
    "backup.offsite": "",
}
LISTS = {
    "site.aliases": "a.example.com",
    "site.origins": "https://a.example.com",
    "site.nameservers": "192.0.2.53",
    "docker.registry_mirrors": "https://mirror.example.com",
    "docker.insecure_registries": "10.0.0.5:5000",
    "firewall.allow": "51820/udp",
}

nasty_texts = st.lists(st.sampled_from(NASTY) | st.text(min_size=1, max_size=6), min_size=1, max_size=4).map("".join)


def disturbed(text: str) -> st.SearchStrategy[str]:
    """A good text with something nasty put in at any place, or nasty text alone."""
    place = st.integers(0, len(text))
    inserted = st.builds(lambda at, nasty: text[:at] + nasty + text[at:], place, nasty_texts)
    return inserted | nasty_texts


def test_every_text_key_is_tried() -> None:
    """A new key has to be entered here, with a good value."""
    document = tomllib.loads(EXAMPLE.read_text())
    tried = {*TEXTS, *LISTS, *FREE, *PASSED_ON}
    for table, content in document.items():
        words = content if isinstance(content, dict) else {"": content}
        for word, value in words.items():
            key = f"{table}.{word}".rstrip(".")
            assert not isinstance(value, str | list) or key in tried, key


@pytest.mark.parametrize(("key", "text"), TEXTS.items())
@given(data=st.data())
def test_a_text_is_refused_by_name_or_safe_as_it_is(key: str, text: str, data: st.DataObject) -> None:
    """Either the message names the key, or the value is unchanged and made of the key's own characters."""
    value = data.draw(disturbed(text))
    try:
        accepted = str(look_up(inventory(key, value), key))
    except InventoryError as error:
        assert all(line.startswith("inventory/prod.toml: ") for line in error.what.splitlines())
        assert f"inventory/prod.toml: {key}: " in error.what
        assert error.what.replace("\n", "").isprintable()
    else:
        assert accepted in (value, value.lower())
        assert re.fullmatch(SAFE.get(key, UNQUOTED), accepted)


@pytest.mark.parametrize(("key", "text"), LISTS.items())
@given(data=st.data())
def test_a_text_in_a_list_likewise(key: str, text: str, data: st.DataObject) -> None:
    """The message names the key and the place in the list."""
    value = data.draw(disturbed(text))
    try:
        accepted = str(look_up(inventory(key, [value]), f"{key}.0"))
    except InventoryError as error:
        assert error.what.startswith(f"inventory/prod.toml: {key}")
    else:
        assert accepted in (value, value.lower())
        assert re.fullmatch(UNQUOTED, accepted)


@pytest.mark.parametrize("key", FREE_VALUES)
@given(value=nasty_texts)
def test_free_texts_come_back_unchanged_or_are_refused(key: str, value: str) -> None:
    """Words and values are quoted where they are used; what no quoting carries is refused."""
    wrapped = {"A": value} if key in ("environment", "backend.build_args") else [value]
    try:
        accepted = look_up(inventory(key, wrapped), key)
    except InventoryError as error:
        assert error.what.startswith(f"inventory/prod.toml: {key}")
        assert re.search("[\0-\x1f\x7f]", value)
    else:
        assert accepted in ({"A": value}, (value,))
        assert not re.search("[\0\r\n]", value)


@given(name=nasty_texts)
def test_names_of_variables_are_names(name: str) -> None:
    """A name cannot begin another line of .env."""
    try:
        inventory("environment", {name: "x"})
    except InventoryError as error:
        assert error.what.startswith("inventory/prod.toml: environment.")
        assert error.what.isprintable()
    else:
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)


@given(value=nasty_texts)
def test_operator_side_paths_are_named(value: str) -> None:
    """Files on this machine are refused by the same rules, or because they are not there."""
    with pytest.raises(InventoryError, match=r"^inventory/prod\.toml: tls\.acme_ca: got "):
        inventory("tls.acme_ca", value)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
words = st.sampled_from([key.rpartition(".")[2] for key in (*TEXTS, *LISTS)]) | st.text(max_size=4)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4))
tables = st.sampled_from([key.partition(".")[0] for key in (*TEXTS, *LISTS, *FREE)]) | words


@given(document=st.dictionaries(tables, trees, max_size=5))
def test_any_document_ends_in_mistakes(document: dict[str, object]) -> None:
    """Whatever shape a file has: one line for each mistake, never a traceback."""
    try:
        build(document, Origin(Path("inventory/prod.toml")))
    except InventoryError as error:
        lines = error.what.split("\n")
        assert all(line.startswith("inventory/prod.toml: ") and line.isprintable() for line in lines)
        assert len(lines) == len(set(lines))
