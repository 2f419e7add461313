"""What a connection needs to know, apart from fabric: reading this costs no import of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployer.secret import Secret


@dataclass(frozen=True)
class SshSettings:
    """How to reach one host.

    `port` None means: what ~/.ssh/config says, else 22. `gateway` is "user@host:port"; without user and port
    ~/.ssh/config is asked for them. `ask_password` is given a prompt and is called at most once, when sudo
    wants a password and none is set; None where there is no terminal. `connect_limit` is in seconds, for each
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
