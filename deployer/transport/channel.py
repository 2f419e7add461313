"""paramiko's side of a script over SSH: the transport that notices a silent peer, and the process in a channel."""

import logging
from contextlib import suppress
from typing import Any

from paramiko import Channel, Message, SSHException, Transport
from paramiko.common import cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST

from deployer.transport.execution import KILLED
from deployer.transport.failures import lost
from deployer.transport.process import PIECE, POLL
from deployer.transport.settings import Endpoint
from deployer.transport.tcp import WatchedSocket

# Its thread logs each lost connection with a traceback, "Exception (client)"; `failures` explains it instead.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class WatchedTransport(Transport):
    """paramiko's transport, which notices a silent peer and starts a command without waiting for a reply."""

    def __init__(self, sock: Any, **options: Any) -> None:
        self._watched = WatchedSocket(sock)
        super().__init__(self._watched, **options)  # type: ignore[arg-type]  # "socket or socket-like object"

    def watch(self) -> None:
        """From now on, request a reply from a silent peer; a peer denies a request that it does not know."""
        self._watched.request_reply = self._request_reply

    def execute(self, command: str, limit: float) -> Channel:
        """A channel with the command started. Raises SSHException.

        Unlike Channel.exec_command it does not wait for the server's consent, so that input can follow at once:
        one round trip less. A server that refuses closes the channel.
        """
        channel = self.open_session(timeout=limit)
        message = Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("exec")
        message.add_boolean(False)
        message.add_string(command)
        self._send(message)
        return channel

    def _request_reply(self) -> None:
        if not self.clear_to_send.is_set():
            return  # a key exchange is under way: its answer is the reply
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send(message)

    def _send(self, message: Message) -> None:
        self._send_user_message(message)  # type: ignore[attr-defined]  # paramiko's own way to send, untyped


class ChannelProcess:
    """Implements `process.Process`."""

    def __init__(self, channel: Channel, transport: Transport, endpoint: Endpoint) -> None:
        self._channel = channel
        self._transport = transport
        self._endpoint = endpoint
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
            raise lost(self._endpoint, self._transport.get_exception())
        return self._channel.exit_status if self._channel.exit_status >= 0 else KILLED

    def abandon(self) -> None:
        with suppress(OSError, EOFError, SSHException):
            self._channel.close()
