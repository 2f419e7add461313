"""A script at the other end of an SSH channel."""

from contextlib import suppress
from typing import TYPE_CHECKING

from paramiko import Channel, ChannelException, SSHException, Transport

from deployer.errors import ConnectionFailed
from deployer.transport.execution import KILLED
from deployer.transport.failures import lost
from deployer.transport.place import Endpoint
from deployer.transport.process import PIECE, POLL

if TYPE_CHECKING:
    from deployer.transport.strict import StrictConnection


class ChannelProcess:
    """Implements `process.Process`."""

    def __init__(self, channel: Channel, transport: Transport, place: Endpoint) -> None:
        self._channel = channel
        self._transport = transport
        self._place = place
        channel.settimeout(POLL)

    def read(self) -> bytes | None:
        try:
            return self._channel.recv(PIECE)
        except TimeoutError:
            return None
        except SSHException:  # a window could not be announced: `wait` will find the connection lost
            return b""

    def read_error(self) -> bytes:
        data = b""
        while self._channel.recv_stderr_ready():
            data += self._channel.recv_stderr(PIECE)
        return data

    def write(self, data: bytes) -> int:
        try:
            taken = self._channel.send(data)
        except TimeoutError:
            return 0
        except (SSHException, EOFError) as error:
            raise BrokenPipeError(str(error)) from error
        if not taken:
            raise BrokenPipeError
        return taken

    def end_input(self) -> None:
        with suppress(OSError, EOFError, SSHException):
            self._channel.shutdown_write()

    def has_ended(self) -> bool:
        return self._channel.exit_status_ready()

    def wait(self, seconds: float) -> int | None:
        if not self._channel.status_event.wait(seconds):
            return None
        if self._channel.exit_status == -1 and not self._transport.is_active():
            raise lost(self._place, self._transport.get_exception())
        return self._channel.exit_status if self._channel.exit_status >= 0 else KILLED

    def abandon(self) -> None:
        with suppress(OSError, EOFError, SSHException):
            self._channel.close()


def start(connection: "StrictConnection", command: str) -> ChannelProcess:
    """Start a command line. Raises ConnectionFailed."""
    place: Endpoint = connection.place
    try:
        channel = connection.transport.execute(command, connection.settings.connect_limit)
    except (SSHException, OSError, EOFError) as error:
        raise _not_opened(error, place) from error
    return ChannelProcess(channel, connection.transport, place)


def _not_opened(error: Exception, place: Endpoint) -> ConnectionFailed:
    if isinstance(error, ChannelException):
        return place.failure(
            f"{place} opens no further channel: {error.text}",
            "Raise MaxSessions in its sshd_config (the default is 10), or run fewer commands at once.",
        )
    return lost(place, error)
