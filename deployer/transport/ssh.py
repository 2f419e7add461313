"""Scripts on a host, over SSH. fabric and paramiko are imported when it connects: they take 0.1 s."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from deployer.errors import ConnectionFailed
from deployer.transport.elevation import Sudo
from deployer.transport.process import Process
from deployer.transport.settings import Endpoint, SshSettings
from deployer.transport.shell_transport import ShellTransport

if TYPE_CHECKING:
    from deployer.transport.connection import StrictConnection

__all__ = ["SshSettings", "SshTransport"]

RETRY_AFTER = 1.0
"""Seconds between a connection that failed and the one further attempt."""
TURN = 0.0005
"""Seconds for which one thread keeps Python's lock while another connects."""


class SshTransport(ShellTransport):
    """One connection. `connect_ahead` connects in a thread; otherwise the first script connects."""

    def __init__(self, settings: SshSettings) -> None:
        endpoint = Endpoint(settings.user, settings.address, settings.port or 22, settings.name)
        super().__init__(endpoint, _sudo(settings))
        self._settings = settings
        self._connection: StrictConnection | None = None
        self._connecting = threading.Lock()
        self._failure: ConnectionFailed | None = None

    def connect_ahead(self) -> None:
        """Connect in a thread; a failure is raised by the first script.

        Imported before: two threads that import the same packages at once can lock each other out (_DeadlockError).
        """
        from deployer.transport import connection, failures  # noqa: F401

        threading.Thread(target=self._try_to_connect, name="deployer connect", daemon=True).start()

    def connect(self) -> None:
        """Does nothing after the first time, even if the connection was lost since. Raises ConnectionFailed."""
        with self._connecting:
            if self._failure is not None:
                raise self._failure
            if self._connection is None:
                self._connection = _open(self._settings)

    def _try_to_connect(self) -> None:
        with self._connecting, _taking_turns_often():
            try:
                self._connection = _open(self._settings)
            except ConnectionFailed as failure:
                self._failure = failure

    def again(self) -> Self:
        """A second connection, made now. It shares the sudo password, also one that was typed."""
        other = type(self)(self._settings)
        other._sudo = self._sudo
        other.connect()
        return other

    def close(self) -> None:
        with self._connecting:
            if self._connection is not None:
                self._connection.close()

    def _spawn(self, command: str) -> Process:
        from deployer.transport.connection import start  # imports fabric and paramiko

        self.connect()
        assert self._connection is not None  # noqa: S101  # for the type checker
        return start(self._connection, command)


@contextmanager
def _taking_turns_often() -> Iterator[None]:
    """Meanwhile threads wait TURN for Python's lock instead of 5 ms.

    A handshake is dozens of short turns; while another thread imports without a pause each of them waits that long
    (https://docs.python.org/3/library/sys.html#sys.setswitchinterval).
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _open(settings: SshSettings) -> "StrictConnection":
    """An open connection. Only a failure that may pass within a moment is tried a second time."""
    from deployer.transport.connection import connection  # imports fabric
    from deployer.transport.failures import Unreachable  # imports paramiko

    try:
        first = connection(settings)
        first.open()
        return first
    except Unreachable:
        time.sleep(RETRY_AFTER)
    second = connection(settings)
    second.open()
    return second


def _sudo(settings: SshSettings) -> Sudo:
    login = f"{settings.user}@{settings.address}"
    is_root = settings.user == "root"
    return Sudo(is_root=is_root, login=login, password=settings.sudo_password, ask=settings.ask_password)
