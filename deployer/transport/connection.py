"""fabric.Connection, made strict: host keys are checked on every hop, and every step has a time limit.

Plain fabric accepts any host key, even a changed one (https://github.com/fabric/fabric/issues/2071), and
builds the ProxyJump hops of ~/.ssh/config from its own plain class.
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fabric
from paramiko import ChannelException, SSHException, Transport

from deployer.errors import ConnectionFailed
from deployer.transport.authentication import Identities, Login
from deployer.transport.channel import ChannelProcess, WatchedTransport
from deployer.transport.failures import explain, lost
from deployer.transport.host_keys import HostKey, Reject, host_key, known_keys
from deployer.transport.settings import Endpoint, SshSettings
from deployer.transport.tcp import dial

AUTH_LIMIT = 30.0
"""Seconds for each key: a server may look names up, and the user may have to touch a security key."""


class StrictConnection(fabric.Connection):  # type: ignore[misc]  # fabric has no types
    """One hop. `open` raises ConnectionFailed, which names the host or the gateway that failed."""

    settings: SshSettings
    is_gateway: bool

    def __init__(self, settings: SshSettings, target: str, *, is_gateway: bool = False, **options: Any) -> None:
        """`options` are user, port and gateway of fabric.Connection."""
        self._set(settings=settings, is_gateway=is_gateway)
        limit = math.ceil(settings.connect_limit)
        super().__init__(target, config=_configuration(), forward_agent=False, connect_timeout=limit, **options)
        self.client.set_missing_host_key_policy(Reject())

    @property
    def endpoint(self) -> Endpoint:
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
        """The options for paramiko, except for which keys to try: `Login` decides that."""
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
            raise explain(error, self.endpoint, self.settings.connect_limit) from error

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
        """The key that the host presents, ed25519 where it has one; nobody logs in. Raises ConnectionFailed."""
        limit = self.settings.connect_limit
        try:
            wire = self.open_gateway() if self.gateway else dial(self.host, self.port, limit)
            with contextlib.closing(WatchedTransport(wire)) as transport:
                transport.banner_timeout = limit
                _prefer(transport, "ssh-ed25519")
                transport.start_client(timeout=limit)
                return host_key(self.endpoint.known_as, transport.get_remote_server_key())
        except Exception as error:
            raise explain(error, self.endpoint, limit) from error
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
        name = self.endpoint.known_as
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
        endpoint = Endpoint(settings.user, settings.address, settings.port or 22, settings.name)
        raise endpoint.failure(
            f"the settings for {settings.address} cannot be used: {error}",
            "Correct ssh.gateway in the inventory, or ~/.ssh/config.",
        ) from error


def start(hop: StrictConnection, command: str) -> ChannelProcess:
    """Start a command line. Raises ConnectionFailed."""
    try:
        channel = hop.transport.execute(command, hop.settings.connect_limit)
    except (SSHException, OSError, EOFError) as error:
        raise _not_opened(error, hop.endpoint) from error
    return ChannelProcess(channel, hop.transport, hop.endpoint)


def fetch_host_key(settings: SshSettings) -> HostKey:
    """The key of the host itself, without logging in; its gateway must be known. Raises ConnectionFailed."""
    return connection(settings).present_key()


def fetch_host_keys(settings: SshSettings) -> Iterator[HostKey]:
    """The keys of every hop, gateways first: pin each before asking for the next, reached through it."""
    for hop in _hops_to(connection(settings)):
        yield hop.present_key()


def _configuration() -> fabric.Config:
    """~/.ssh/config counts; /etc/fabric.yaml and its kin do not: they could undo what is strict here."""
    config = fabric.Config(lazy=True)
    config.load_ssh_config()
    return config


def _prefer(transport: Transport, kind: str) -> None:
    options = transport.get_security_options()
    options.key_types = [kind, *(other for other in options.key_types if other != kind)]


def _hops_to(last: StrictConnection) -> Iterator[StrictConnection]:
    if isinstance(last.gateway, StrictConnection):
        yield from _hops_to(last.gateway)
    yield last


def _not_opened(error: Exception, endpoint: Endpoint) -> ConnectionFailed:
    if isinstance(error, ChannelException):
        return endpoint.failure(
            f"{endpoint} refuses to open another channel: {error.text}",
            "Raise MaxSessions in its sshd_config (the default is 10), or run fewer commands at once.",
        )
    return lost(endpoint, error)
