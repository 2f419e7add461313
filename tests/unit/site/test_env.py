"""What stands in .env."""

import pytest

from deployer.inventory.model import Inventory
from deployer.site import env as environment
from tests.support.fakes import inventory


def test_guides_variables() -> None:
    """All of the guide's, with its values; the origins and the domain follow from the inventory."""
    variables = environment.variables(inventory())
    assert dict(variables) == {
        "JWT_EXPIRATION_HOURS": "24",
        "CORS_ORIGINS": "https://example.com",
        "DOMAIN": "example.com",
        "API_URL": "https://api.example.com",
        "RATE_LIMIT_ENABLED": "true",
        "AUDIT_LOG_ENABLED": "true",
        "HTTPS_ONLY": "true",
        "FORWARDED_ALLOW_IPS": "127.0.0.1,172.30.77.2",
    }


def test_database() -> None:
    """The guide's pool, and the address with the password left to the host; a pool of one's own counts."""
    host = inventory(postgres={"enabled": True, "user": "me", "database": "it"}, environment={"DB_POOL_SIZE": "5"})
    lines = environment.lines(host)
    assert "DATABASE_URL=postgresql://me:[DB_PASSWORD]@postgres:5432/it" in lines
    assert {"DB_POOL_SIZE=5", "DB_MAX_OVERFLOW=40", "DB_POOL_PRE_PING=true"} < set(lines)
    assert environment.secret_names(host) == ("API_SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD")
    assert not any(line.startswith("D") and "DOMAIN" not in line for line in environment.lines(inventory()))


def test_no_wildcards() -> None:
    """Neither every origin nor every proxy is believed."""
    assert "*" not in "".join(environment.variables(inventory()).values())


def test_inventory_adds_and_overrides() -> None:
    """The table [environment] comes last."""
    host = inventory(environment={"CARDANO_NETWORK": "mainnet", "JWT_EXPIRATION_HOURS": "1"})
    assert environment.variables(host)["CARDANO_NETWORK"] == "mainnet"
    assert environment.variables(host)["JWT_EXPIRATION_HOURS"] == "1"


def test_secrets_are_names_only() -> None:
    """The two generated ones and those supplied; the tool's own are not the application's."""
    host = inventory({"DB_PASSWORD": "x" * 32, "DEPLOYER_SUDO_PASSWORD": "y", "RESTIC_PASSWORD": "z"})
    assert environment.secret_names(host) == ("API_SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD")
    assert "x" * 32 not in "\n".join(environment.lines(host))


@pytest.mark.parametrize(
    "other",
    [
        inventory(environment={"X": "1"}),
        inventory(site={"domain": "example.org", "email": "a@example.com"}),
        inventory(network={"subnet": "10.1.2.0/24"}),
        inventory({"DB_PASSWORD": "x" * 32}),
        inventory(postgres={"enabled": True}),
    ],
)
def test_digest_changes_with_a_setting(other: Inventory) -> None:
    """A container has to be started anew for a changed variable, and for a new secret."""
    assert environment.digest(other) != environment.digest(inventory())


def test_digest_changes_with_the_database() -> None:
    """Another role is another address."""
    one, other = (inventory(postgres={"enabled": True, "user": user}) for user in ("one", "other"))
    assert environment.digest(one) != environment.digest(other)


def test_digest_does_not_hold_secrets() -> None:
    """It stands in a label that everybody may read: it does not depend on a secret's value."""
    one, other = inventory({"DB_PASSWORD": "x" * 32}), inventory({"DB_PASSWORD": "y" * 32})
    assert environment.digest(one) == environment.digest(other)
