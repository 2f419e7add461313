"""Which keys can be read, and which are offered."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.transport.authentication import Identities, KeyFileUnusable, Offer
from deployer.transport.ssh import SshTransport

from .sshd import Sshd, make_key


def offered(identities: Identities) -> list[Offer]:
    return list(identities.offers([]))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_without_comment(tmp_path: Path, kind: str) -> None:
    """Also those without a comment, half of which paramiko misreads when they are ecdsa."""
    for number in range(2 if kind == "rsa" else 12):
        key = make_key(tmp_path / f"{kind}{number}", kind=kind)
        assert [offer.name for offer in offered(Identities(key, [], use_agent=True))] == [str(key)]


def test_own_file_stands_alone(tmp_path: Path) -> None:
    """Where the inventory names a key, no other is shown to the server: it would count the attempts."""
    own, other = make_key(tmp_path / "own"), make_key(tmp_path / "other")
    assert [offer.name for offer in offered(Identities(own, [other], use_agent=True))] == [str(own)]
    assert [offer.name for offer in offered(Identities(None, [other], use_agent=True))] == [str(other)]


def test_nonsense(tmp_path: Path) -> None:
    """A file that is no key is an error where it was asked for, a remark where it was found."""
    (tmp_path / "note").write_text("not a key")
    with pytest.raises(KeyFileUnusable, match="no private key"):
        offered(Identities(tmp_path / "note", [], use_agent=False))
    found = Identities(None, [tmp_path / "note"], use_agent=False)
    assert (offered(found), found.left_out) == ([], [f"{tmp_path}/note (holds no key that can be used)"])


@pytest.fixture
def agent(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of our own that holds the key `locked`, which the server accepts."""
    said = subprocess.run(["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, check=True)
    found = re.search(rb"SSH_AGENT_PID=(\d+)", said.stdout)
    assert found
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.delenv("DISPLAY", raising=False)
    key = make_key(tmp_path / "locked")
    subprocess.run(["ssh-add", "-q", key], check=True)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", key], check=True, capture_output=True)
    accepted = sshd.folder / "authorized_keys"
    before = accepted.read_bytes()
    accepted.write_bytes(before + key.with_suffix(".pub").read_bytes())
    yield
    accepted.write_bytes(before)
    os.kill(int(found[1]), signal.SIGTERM)


@pytest.mark.usefixtures("agent", "root")
@pytest.mark.parametrize("named", [True, False])
def test_agent(sshd: Sshd, tmp_path: Path, named: bool) -> None:
    """The agent's keys are used, also for an identity file that is locked."""
    own = tmp_path / "locked" if named else None
    transport = SshTransport(sshd.settings(identity_file=own))
    assert transport.run("echo in").output == b"in\n"
    transport.close()
