"""Fetching and pinning host keys."""

import stat
import subprocess
from pathlib import Path

import pytest

from deployer.errors import ConnectionFailed
from deployer.transport.connection import fetch_host_key, fetch_host_keys
from deployer.transport.host_keys import is_pinned, pin

from .sshd import Sshd, free_port


def test_fetch_and_pin(sshd: Sshd, tmp_path: Path) -> None:
    """What is fetched is what ssh-keygen shows, and once pinned it is known."""
    sshd.known_hosts.write_text("")
    key = fetch_host_key(sshd.settings(identity_file=tmp_path / "needs none"))
    shown = subprocess.run(
        ["ssh-keygen", "-lf", sshd.folder / "host.pub"], capture_output=True, text=True, check=True
    ).stdout
    assert [str(key.bits), key.fingerprint, f"({key.kind})"] == [
        shown.split()[0],
        shown.split()[1],
        "(ED25519)",
    ]
    assert not is_pinned(sshd.known_hosts, key)
    pin(sshd.known_hosts, key)
    assert is_pinned(sshd.known_hosts, key)
    assert str(key) == f"256 {key.fingerprint} [127.0.0.1]:{sshd.port} (ED25519)"


def test_every_hop(sshd: Sshd) -> None:
    """The gateway's key first; the host's is reached through it once that is pinned."""
    sshd.known_hosts.write_text("")
    settings = sshd.settings(gateway=f"127.0.0.1:{sshd.port}", address="localhost")
    keys = []
    for key in fetch_host_keys(settings):
        pin(sshd.known_hosts, key)
        keys.append(key.name)
    assert keys == [f"[127.0.0.1]:{sshd.port}", f"[localhost]:{sshd.port}"]


def test_nobody_there(sshd: Sshd) -> None:
    """The same errors as for connecting."""
    with pytest.raises(ConnectionFailed, match="refuses the connection"):
        fetch_host_key(sshd.settings(port=free_port()))


def test_pin_keeps_others(sshd: Sshd, tmp_path: Path) -> None:
    """Other hosts, comments and markers stay; all former keys of this host go, also hashed ones."""
    key = fetch_host_key(sshd.settings())
    file = tmp_path / "new folder" / "known_hosts"
    pin(file, key)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True)
    hashed = file.read_text()
    assert key.name not in hashed
    others = f"# ours\n{key.known_hosts_line.replace('127.0.0.1', 'other')}\n@revoked x ssh-ed25519 AAAA\n"
    file.write_text(others + hashed)
    pin(file, key)
    assert file.read_text() == f"{others}{key.known_hosts_line}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert sorted(path.name for path in file.parent.iterdir()) == ["known_hosts", "known_hosts.old"]
