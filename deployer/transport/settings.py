"""Which machine, which login and which limits: settings, and the endpoint they lead to. Costs no import of fabric."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import ConnectionFailed, Context
from deployer.secret import Secret


@dataclass(frozen=True)
class SshSettings:
    """How to reach one host.

    `port` None means: the one of ~/.ssh/config, else 22. `gateway` is "user@host:port"; without user and port
    ~/.ssh/config is used for them. `ask_password` is given a prompt and is called at most once, when sudo
    requires a password and none is set; None where there is no terminal. `connect_limit` is in seconds, for each
    of dialling, handshake and channel. `host_name` is what messages and remedies call the host.
    """

    address: str
    user: str
    known_hosts: Path
    port: int | None = None
    identity_file: Path | None = None
    gateway: str | None = None
    sudo_password: Secret | None = None
    login_password: Secret | None = None
    ask_password: Callable[[str], Secret] | None = None
    connect_limit: float = 15.0
    host_name: str = ""

    @property
    def name(self) -> str:
        """What to call the host in a message."""
        return self.host_name or self.address


@dataclass(frozen=True)
class Endpoint:
    """One login on one machine. `host_name` is the inventory's name of the host, also for its gateway."""

    user: str
    address: str
    port: int
    host_name: str
    is_gateway: bool = False

    def __str__(self) -> str:
        """As in a message: "example.com", "[::1]:2222", "the gateway bastion.example.com"."""
        return f"the gateway {self.known_as}" if self.is_gateway else self.known_as

    @property
    def known_as(self) -> str:
        """As in known_hosts: bare for port 22, else [host]:port; sshd(8), SSH_KNOWN_HOSTS FILE FORMAT."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"

    @property
    def login(self) -> str:
        return f"{self.user}@{self.address}"

    @property
    def setting(self) -> str:
        """The prefix of the inventory's keys that a remedy points to."""
        return "ssh.gateway" if self.is_gateway else "ssh.address"

    def failure(self, what: str, remedy: str, output: str = "") -> ConnectionFailed:
        return ConnectionFailed(what, remedy=remedy, context=Context(host=self.host_name, output=output))
