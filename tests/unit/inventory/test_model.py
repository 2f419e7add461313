"""Defaults, and what follows from the keys."""

import tomllib
from pathlib import Path, PurePosixPath

import pytest
from pydantic import BaseModel, ValidationError

from deployer.inventory.load import load
from deployer.inventory.model import Inventory
from deployer.secret import Secret

from .example import EXAMPLE, REPOSITORY, inventory, keys, look_up

WITHOUT_DEFAULT = {"ssh.address", "site.domain", "site.email"}


def plain(value: object) -> object:
    """As TOML would have it."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    return str(value) if isinstance(value, PurePosixPath) else value


def smallest() -> Inventory:
    return inventory("site.domain", "biometric-did.example.com")


def test_example_holds_every_key() -> None:
    """Whoever reads the example has seen every key, none is invented."""
    document = tomllib.loads(EXAMPLE.read_text())
    for key in keys():
        look_up(document, key)
    assert load(EXAMPLE.parent, "example")


@pytest.mark.parametrize("key", sorted(set(keys()) - WITHOUT_DEFAULT))
def test_example_shows_the_defaults(key: str) -> None:
    """What the example says is what holds when the key is left out."""
    document = tomllib.loads(EXAMPLE.read_text())
    expected = look_up(document, key)
    assert plain(look_up(smallest(), key)) == expected


@pytest.mark.parametrize("key", list(keys()))
def test_docs_name_every_key(key: str) -> None:
    """The table in the documentation is complete."""
    docs = (REPOSITORY / "docs" / "inventory.md").read_text()
    assert f"| `{key}` |" in docs or f"| `[{key}]` |" in docs


def test_name_decides_root_network_and_backups() -> None:
    """Two applications on one host do not meet."""
    other = inventory("name", "shop")
    assert str(other.root) == "/opt/shop"
    assert str(other.backup.directory) == "/backups/shop"
    assert other.network_name == "shop-network"
    assert str(other.paths.site_conf) == "/opt/shop/nginx/conf.d/shop.conf"


def test_paths_are_those_of_the_contract() -> None:
    """Where things are on the host is known to others: scripts, backups, people."""
    paths = smallest().paths
    root = PurePosixPath("/opt/biometric-did")
    assert paths.compose == root / "docker-compose.yml"
    assert paths.env == root / ".env"
    assert paths.nginx_conf == root / "nginx/nginx.conf"
    assert paths.certificate == root / "nginx/ssl/fullchain.pem"
    assert paths.private_key == root / "nginx/ssl/privkey.pem"
    assert paths.nginx_logs == root / "nginx/logs"
    assert paths.source == root / "src"
    assert paths.release_log == root / ".deployer/releases.jsonl"
    assert paths.releases == root / ".deployer/releases"
    assert paths.audit == root / ".deployer/audit.jsonl"


def test_names_and_origins() -> None:
    """The certificate covers the aliases, and their pages may call the API."""
    site = inventory("site.aliases", ["www.example.com"])
    assert site.names == ("example.com", "api.example.com", "www.example.com")
    assert site.origins == ("https://example.com", "https://www.example.com")
    assert inventory("site.origins", ["http://localhost:3000"]).origins == ("http://localhost:3000",)


def test_domains_are_lower_cased() -> None:
    """DNS does not tell them apart, certificates and browsers' Origin headers do."""
    assert inventory("site.domain", "WWW.Example.COM").names == ("www.example.com", "api.www.example.com")


def test_policy_names_the_api() -> None:
    """Without it the wallet's own calls would be blocked."""
    policy = smallest().content_security_policy
    assert "connect-src 'self' https://api.biometric-did.example.com;" in policy
    assert "{" not in policy


def test_proxy_has_the_second_address() -> None:
    """The first is the gateway's."""
    assert str(smallest().proxy_address) == "172.30.77.2"
    assert str(inventory("network.subnet", "10.1.2.16/28").proxy_address) == "10.1.2.18"


def test_visitors_reach_the_ssh_address_unless_told() -> None:
    """A bastion or a load balancer makes the two differ."""
    assert smallest().public_address == "203.0.113.10"
    assert inventory("site.address", "198.51.100.7").public_address == "198.51.100.7"
    local = inventory("ssh.address", "local")
    assert (local.is_local, local.public_address) == (True, "127.0.0.1")


def test_an_inventory_does_not_change() -> None:
    """What was checked is what is used."""
    with pytest.raises(ValidationError):
        smallest().name = "other"  # type: ignore[misc]


def test_secrets_are_not_in_its_representation(tmp_path: Path) -> None:
    """An inventory may stand in a traceback."""
    key = "k" * 32
    (tmp_path / "prod.toml").write_text(EXAMPLE.read_text() + 'SMTP_LOGIN = "hunter2"\n')
    (tmp_path / "prod.env").touch(mode=0o600)
    (tmp_path / "prod.env").write_text(f"API_SECRET_KEY={key}\n")
    loaded = load(tmp_path, "prod")
    assert loaded.secrets == {"API_SECRET_KEY": Secret(key)}
    assert loaded.environment == {"SMTP_LOGIN": "hunter2"}
    assert not any(text in repr(loaded) + str(loaded) for text in (key, "hunter2"))
