"""fabric.Connection, made strict: host keys are checked on every hop, and every step has a time limit.

Plain fabric accepts any host key, even a changed one (https://github.com/fabric/fabric/issues/2071), and
builds the ProxyJump hops of ~/.ssh/config from its own plain class.
"""

import contextlib
import logging
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fabric
from paramiko import Channel, Message, Transport
from paramiko.common import cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST

from deployer.transport.authentication import Identities, Login
from deployer.transport.dialling import dial
from deployer.transport.failures import explain
from deployer.transport.host_keys import HostKey, Reject, host_key, known_keys
from deployer.transport.place import Endpoint
from deployer.transport.settings import SshSettings
from deployer.transport.watch import WatchedSocket

AUTH_LIMIT = 30.0
"""Seconds for each key: a server may look names up, and a person touch a security key."""

# Its thread logs each lost connection with a traceback, "Exception (client)"; we say it in our own words.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class WatchedTransport(Transport):
    """paramiko's transport, which notices a silent peer and starts a command without waiting for a reply."""

    def __init__(self, sock: Any, **options: Any) -> None:
        self._watched = WatchedSocket(sock)
        super().__init__(self._watched, **options)  # type: ignore[arg-type]  # "socket or socket-like object"

    def watch(self) -> None:
        """From now on, ask a silent peer for a sign of life; a request it does not know it denies."""
        self._watched.ask = self._ask

    def execute(self, command: str, limit: float) -> Channel:
        """A channel with the command started. Raises SSHException.

        Unlike Channel.exec_command it does not wait for the server's yes, so that input can follow at once:
        one round trip less. A server that says no closes the channel.
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

    def _ask(self) -> None:
        if not self.clear_to_send.is_set():
            return  # a key exchange is under way: the answer to that is the sign of life
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send(message)

    def _send(self, message: Message) -> None:
        self._send_user_message(message)  # type: ignore[attr-defined]  # paramiko's own way to send, untyped


class StrictConnection(fabric.Connection):  # type: ignore[misc]  # fabric has no types
    """One hop. `open` raises ConnectionFailed, which says whether it was the host or its gateway."""

    settings: SshSettings
    is_gateway: bool

    def __init__(self, settings: SshSettings, target: str, *, is_gateway: bool = False, **options: Any) -> None:
        """`options` are user, port and gateway of fabric.Connection."""
        self._set(settings=settings, is_gateway=is_gateway)
        limit = math.ceil(settings.connect_limit)
        super().__init__(target, config=_configuration(), forward_agent=False, connect_timeout=limit, **options)
        self.client.set_missing_host_key_policy(Reject())

    @property
    def place(self) -> Endpoint:
        return Endpoint(self.user, self.host, self.port, self.settings.name, self.is_gateway)

    @property
    def authentication(self) -> SimpleNamespace:
        """Where fabric looks for the way to log in; its configuration would choke on a method."""
        return SimpleNamespace(strategy_class=self._login)

    def get_gateway(self) -> "StrictConnection | str | None":
        """The gateway that ~/.ssh/config names, each hop as strict as this one."""
        jump: str = self.ssh_config.get("proxyjump", "none")
        if jump != "none":
            return self._hops(jump.split(","))
        command: str = self.ssh_config.get("proxycommand", "none")
        return None if command == "none" else command

    def resolve_connect_kwargs(self, _given: object) -> dict[str, Any]:
        """What paramiko is told. Not which keys to try: that is for `Login`."""
        limit = self.settings.connect_limit
        return {
            "banner_timeout": limit,
            "channel_timeout": limit,
            "auth_timeout": AUTH_LIMIT,
            "compress": False,
            "transport_factory": WatchedTransport,
        }

    def open(self) -> None:
        """Connect, check the host key, log in. Raises ConnectionFailed."""
        if self.is_connected:
            return
        try:
            self._expect_known_key()
            if not self.gateway:
                self.connect_kwargs["sock"] = dial(self.host, self.port, self.settings.connect_limit)
            super().open()
            self.transport.watch()
        except Exception as error:
            self.close()
            raise explain(error, self.place, self.settings.connect_limit) from error

    def open_gateway(self) -> Any:
        """A channel through the gateway, or the proxy command of ~/.ssh/config."""
        if isinstance(self.gateway, str):
            return super().open_gateway()
        self.gateway.open()
        limit = self.settings.connect_limit
        return self.gateway.transport.open_channel("direct-tcpip", (self.host, self.port), ("", 0), timeout=limit)

    def close(self) -> None:
        """Of fabric's own: also a connection that was never finished, and the gateway's."""
        super().close()
        self.client.close()
        if isinstance(self.gateway, StrictConnection):
            self.gateway.close()

    def present_key(self) -> HostKey:
        """The key that the host shows, ed25519 where it has one; nobody logs in. Raises ConnectionFailed."""
        limit = self.settings.connect_limit
        try:
            wire = self.open_gateway() if self.gateway else dial(self.host, self.port, limit)
            with contextlib.closing(WatchedTransport(wire)) as transport:
                transport.banner_timeout = limit
                _prefer(transport, "ssh-ed25519")
                transport.start_client(timeout=limit)
                return host_key(self.place.known_as, transport.get_remote_server_key())
        except Exception as error:
            raise explain(error, self.place, limit) from error
        finally:
            self.close()

    def _login(self, **_facts: object) -> Login:
        """Called by fabric, to log in."""
        own = self.settings.identity_file
        configured = [Path(file).expanduser() for file in self.ssh_config.get("identityfile", [])]
        use_agent = self.ssh_config.get("identitiesonly", "no") != "yes"
        identities = Identities(own.expanduser() if own else None, configured, use_agent)
        return Login(self.user, identities, None if self.is_gateway else self.settings.login_password)

    def _expect_known_key(self) -> None:
        known = self.client.get_host_keys()
        known.clear()
        name = self.place.known_as
        for key in (known_keys(name, self.settings.known_hosts).lookup(name) or {}).values():
            known.add(name, key.get_name(), key)

    def _hops(self, names: list[str]) -> "StrictConnection | None":
        """First name, first hop. A host that is its own gateway has none: `Host *` names itself too."""
        gateway: StrictConnection | None = None
        for name in names:
            target = name.strip().removeprefix("ssh://")
            if self.derive_shorthand(target)["host"] in (self.host, self.original_host):
                return None
            gateway = StrictConnection(self.settings, target, is_gateway=True, gateway=gateway)
        return gateway


def connection(settings: SshSettings) -> StrictConnection:
    """Not open yet. Raises ConnectionFailed for a ~/.ssh/config that cannot be read."""
    try:
        gateway = None
        if settings.gateway:
            gateway = StrictConnection(settings, settings.gateway, is_gateway=True)
        return StrictConnection(settings, settings.address, user=settings.user, port=settings.port, gateway=gateway)
    except Exception as error:
        place = Endpoint(settings.user, settings.address, settings.port or 22, settings.name)
        raise place.failure(
            f"the settings for {settings.address} cannot be used: {error}",
            "Correct ssh.gateway in the inventory, or ~/.ssh/config.",
        ) from error


def _configuration() -> fabric.Config:
    """~/.ssh/config counts; /etc/fabric.yaml and its kin do not: they could undo what is strict here."""
    config = fabric.Config(lazy=True)
    config.load_ssh_config()
    return config


def _prefer(transport: Transport, kind: str) -> None:
    options = transport.get_security_options()
    options.key_types = [kind, *(other for other in options.key_types if other != kind)]
