"""A real sshd on loopback, and a link to it that can be cut silently: both thrown away after the test."""

import getpass
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from deployer.transport.settings import SshSettings

BINARY = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")

CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
MaxStartups 100
SetEnv HOME={folder}
"""

NOISE = """
echo 'a greeting on standard output'
printf 'and one on standard error, without a newline' >&2
"""


class Sshd:
    """Ready once made; `stop` ends it with all its connections.

    Its users' home is the folder: the developer's own .bashrc is slow, and must not be killed half-way.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        for name in ("host", "user"):
            make_key(folder / name)
        (folder / "authorized_keys").write_bytes((folder / "user.pub").read_bytes())
        self.known_hosts = folder / "known_hosts"
        self.know((folder / "host.pub").read_text())
        (folder / "config").write_text(CONFIGURATION.format(port=self.port, folder=folder))
        (folder / ".bashrc").write_text(NOISE)
        self._log = (folder / "log").open("wb")
        self._process = self._start()
        await_banner(self.port)

    def know(self, public_key: str) -> None:
        """Make this the one key that known_hosts has for it."""
        kind, key = public_key.split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def settings(self, **changes: object) -> SshSettings:
        plain = SshSettings(
            address="127.0.0.1",
            user=getpass.getuser(),
            known_hosts=self.known_hosts,
            port=self.port,
            identity_file=self.folder / "user",
            host_name="demo",
        )
        return replace(plain, **changes)  # type: ignore[arg-type]  # the names are checked by replace

    def kill_connections(self) -> None:
        """The processes that serve a connection, not the one that listens."""
        for child in children(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def stop(self) -> None:
        descendants = children(self._process.pid)
        self._process.terminate()
        self._process.wait(10)
        for child in descendants:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._log.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        assert BINARY
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # Debian's place for privilege separation
        command = [BINARY, "-D", "-e", "-f", str(self.folder / "config")]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)


class Link:
    """A TCP proxy. `cut` makes it swallow all that comes, without closing anything."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._cut = threading.Event()
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        self._cut.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._carry, args=(near,))
                self._threads.append(thread)
                thread.start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            other = {near: far, far: near}
            while not self._over.is_set():
                for end in select.select([near, far], [], [], 0.05)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    if not self._cut.is_set():
                        other[end].sendall(data)


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def await_banner(port: int) -> None:
    """Until something says SSH there."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            if probe.recv(4) == b"SSH-":
                return
        time.sleep(0.01)
    raise AssertionError(f"no sshd answers at port {port}")


def children(pid: int) -> list[int]:
    """All descendants, from /proc."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
    return found
