"""What the tests of the transport share."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .sshd import BINARY, Sshd

HAS_ROOT = os.geteuid() == 0 or (
    shutil.which("sudo") is not None
    and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
)


@pytest.fixture
def root() -> None:
    """For tests whose scripts run as root, as all scripts of the transport do."""
    if not HAS_ROOT:
        pytest.skip("neither root nor passwordless sudo here")


@pytest.fixture(scope="session")
def session_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if BINARY is None:
        pytest.skip("there is no sshd here: apt-get install openssh-server")
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def sshd(session_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """The session's server, its right key in known_hosts again; no agent and no ~/.ssh of the developer."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    session_sshd.know((session_sshd.folder / "host.pub").read_text())
    yield session_sshd
    session_sshd.kill_connections()


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Whatever a test started has ended: a thread that stays would hold a connection or a pipe."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), f"{thread.name} is still running"
