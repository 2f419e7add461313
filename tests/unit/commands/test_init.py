"""`init` writes a valid inventory from its options, asks nothing where nobody sits, and never overwrites."""

from pathlib import Path

import pytest

from deployer.commands.init import init
from deployer.errors import InventoryError, UsageError
from deployer.inventory.load import load

from .fakes import Value, choices

COMPLETE: dict[str, Value] = {
    "name": "web",
    "address": "192.0.2.1",
    "domain": "wallet.example.com",
    "email": "admin@example.com",
}


def test_the_options_become_the_inventory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was given is loaded again, and the next commands are named with the same inventory."""
    where = str(tmp_path / "inventory")
    assert init(choices(inventory=where, port="2222", user="ops", ref="v1", tls="self-signed", **COMPLETE)) == 0
    host = load(tmp_path / "inventory", "web")
    assert (host.ssh.port, host.ssh.user, host.source.ref, host.tls.mode) == (2222, "ops", "v1", "self-signed")
    said = capsys.readouterr().out
    assert f"deployer trust --host web --inventory {where}" in said
    assert "--dry-run" in said


def test_missing_answers_are_all_named(tmp_path: Path) -> None:
    """Without a terminal: exit 2, and every option that is missing."""
    with pytest.raises(UsageError) as raised:
        init(choices(inventory=str(tmp_path), name="web"))
    assert all(option in raised.value.what for option in ("--address", "--domain", "--email"))
    assert not list(tmp_path.iterdir())


def test_no_email_is_wanted_without_lets_encrypt(tmp_path: Path) -> None:
    """It has no use there."""
    told = {key: value for key, value in COMPLETE.items() if key != "email"}
    assert init(choices(inventory=str(tmp_path), tls="self-signed", **told)) == 0


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Refused before anything is asked."""
    (tmp_path / "web.toml").write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        init(choices(inventory=str(tmp_path), name="web"))
    assert (tmp_path / "web.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "Web", "../web", "groups"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """It becomes a file's name."""
    with pytest.raises(UsageError):
        init(choices(inventory=str(tmp_path), **{**COMPLETE, "name": name}))


def test_wrong_values_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    """All mistakes at once, in the words of the inventory."""
    with pytest.raises(InventoryError) as raised:
        init(choices(inventory=str(tmp_path), **{**COMPLETE, "domain": "a b", "address": "x/y"}))
    assert "site.domain" in raised.value.what
    assert "ssh.address" in raised.value.what
    assert not list(tmp_path.iterdir())
