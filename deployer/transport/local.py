"""Scripts on this machine itself, `ssh.address = "local"`: the same wrapping as over SSH, and no network."""

import getpass
import os
import select
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Self

from deployer.errors import ConnectionFailed
from deployer.secret import Secret
from deployer.transport.elevation import Sudo
from deployer.transport.execution import KILLED
from deployer.transport.process import PIECE, POLL, Process
from deployer.transport.settings import Endpoint
from deployer.transport.shell_transport import ShellTransport


class LocalTransport(ShellTransport):
    """Directly as root, else through sudo. `ask_password` as in `SshSettings`."""

    def __init__(
        self,
        host_name: str = "local",
        sudo_password: Secret | None = None,
        ask_password: Callable[[str], Secret] | None = None,
    ) -> None:
        user = getpass.getuser()
        sudo = Sudo(is_root=os.geteuid() == 0, login=user, password=sudo_password, ask=ask_password)
        super().__init__(Endpoint(user, "this machine", 22, host_name), sudo)

    def _spawn(self, command: str) -> Process:
        return LocalProcess(command, self._endpoint.failure)

    def again(self) -> Self:
        other = type(self)(self._endpoint.host_name)
        other._sudo = self._sudo
        return other

    def close(self) -> None:
        """There is no connection to close."""


class LocalProcess:
    """Implements `process.Process`. In a session of its own: Ctrl-C does not reach it, as over SSH."""

    def __init__(self, command: str, failure: Callable[[str, str], ConnectionFailed]) -> None:
        try:
            self._child = subprocess.Popen(
                ["bash", "-c", command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise failure(f"bash cannot be started on this machine: {error}", "Install bash.") from error
        assert self._child.stdin and self._child.stdout and self._child.stderr  # noqa: S101  # for the type checker
        self._stdin: IO[bytes] = self._child.stdin
        self._stdout: IO[bytes] = self._child.stdout
        self._stderr: IO[bytes] = self._child.stderr
        os.set_blocking(self._stdin.fileno(), False)
        self._input_lock = threading.Lock()

    def read(self) -> bytes | None:
        if not _is_ready(self._stdout, POLL):
            return None
        return os.read(self._stdout.fileno(), PIECE)

    def read_error(self) -> bytes:
        data = b""
        while select.select([self._stderr], [], [], 0)[0] and (piece := os.read(self._stderr.fileno(), PIECE)):
            data += piece
        return data

    def write(self, data: bytes) -> int:
        with self._input_lock:
            if self._stdin.closed:
                raise BrokenPipeError
            if not select.select([], [self._stdin], [], POLL)[1]:
                return 0
            with suppress(BlockingIOError):
                return os.write(self._stdin.fileno(), data)
            return 0

    def end_input(self) -> None:
        with self._input_lock:
            self._stdin.close()

    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def wait(self, seconds: float) -> int | None:
        try:
            exit_code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return exit_code if exit_code >= 0 else KILLED

    def abandon(self) -> None:
        self.end_input()
        self._stdout.close()
        self._stderr.close()
        if self._child.poll() is None:  # a zombie stays until its exit code is read
            threading.Thread(target=self._child.wait, name="deployer reaper", daemon=True).start()


def _is_ready(stream: IO[bytes], seconds: float = 0) -> bool:
    return bool(select.select([stream], [], [], seconds)[0])
