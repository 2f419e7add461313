"""Which end of which connection a message is about."""

from dataclasses import dataclass

from deployer.errors import ConnectionFailed, Context


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
