"""Which public key is authorized: that of the identity file, from beside it or derived; never anything else."""

import subprocess
from pathlib import Path

import pytest

from deployer.access.operator_keys import public_keys
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from tests.unit.commands.fakes import inventory


def made(directory: Path, passphrase: str = "") -> Path:
    file = directory / "id"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "me@desk", "-f", str(file)]
    subprocess.run(command, check=True)
    return file


def host(file: Path) -> Inventory:
    return inventory(file.parent, ssh={"address": "192.0.2.1", "identity_file": file.name})


def test_the_file_beside_it(tmp_path: Path) -> None:
    """With its comment, which tells keys apart on the host; also of a locked key."""
    file = made(tmp_path, "locked")
    assert public_keys(host(file)) == (file.with_suffix(".pub").read_text().strip(),)


def test_derived_where_there_is_none(tmp_path: Path) -> None:
    """The private key knows its public half."""
    file = made(tmp_path)
    line = file.with_suffix(".pub").read_text()
    file.with_suffix(".pub").unlink()
    assert public_keys(host(file))[0].split() == line.split()[:2]


@pytest.mark.parametrize(
    "content", ["no key", "", 'command="x" ssh-ed25519 AAAA', "ssh-ed25519 AAAA\nssh-ed25519 BBBB"]
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, content: str) -> None:
    """It would be written into authorized_keys."""
    file = made(tmp_path)
    file.with_suffix(".pub").write_text(content)
    with pytest.raises(UsageError):
        public_keys(host(file))


def test_a_locked_key_without_its_public_half(tmp_path: Path) -> None:
    """The remedy makes it."""
    file = made(tmp_path, "locked")
    file.with_suffix(".pub").unlink()
    with pytest.raises(UsageError) as raised:
        public_keys(host(file))
    assert "ssh-keygen -y" in raised.value.remedy


def test_no_key_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no agent: the remedy makes one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(UsageError) as raised:
        public_keys(inventory())
    assert "ssh-keygen -t ed25519" in raised.value.remedy
