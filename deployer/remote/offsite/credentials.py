"""What restic needs to reach its repository: lines NAME=value of offsite.env, for root alone, as they are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from deployer.remote import files
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.masking import secrets_in

FILE = "offsite.env"
REPOSITORY, PASSWORD = "RESTIC_REPOSITORY", "RESTIC_PASSWORD"
SFTP = "sftp:"
SSH = (
    *("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o", "ControlPath=none"),
)
"""With these options ssh neither asks nor waits for ever, nor leaves a shared connection open."""


@dataclass(frozen=True)
class Credentials:
    """The variables, and what of them is masked wherever it is printed."""

    variables: Mapping[str, str] = field(repr=False)
    secrets: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def parse(cls, content: bytes, secret_words: Collection[str]) -> "Credentials":
        pairs = (line.partition("=") for line in content.decode(errors="surrogateescape").split("\n"))
        variables = {name: value for name, found, value in pairs if found and name.isidentifier()}
        return cls(variables, secrets_in(content, secret_words))

    @classmethod
    def installed(cls, host: Host) -> "Credentials":
        """Raises Failure where they are absent."""
        path = host.config.state / FILE
        found = cls.parse(files.read(path), host.config.secret_words)
        if not found.repository:
            raise Failure(f"{path} names no repository: set backup.offsite, and run `deployer provision`")
        return found

    @property
    def repository(self) -> str:
        return self.variables.get(REPOSITORY, "")

    @property
    def password(self) -> str:
        return self.variables.get(PASSWORD, "")

    @property
    def options(self) -> tuple[str, ...]:
        """Of restic, which calls ssh itself: how it does."""
        return ("-o", f"sftp.command={sftp_command(self.repository)}") if self.repository.startswith(SFTP) else ()


def sftp_command(repository: str) -> str:
    """How ssh is called for `sftp:user@host:/path` or `sftp://user@host:port//path`."""
    endpoint, port = repository.removeprefix(SFTP), ""
    if endpoint.startswith("//"):
        endpoint = endpoint.removeprefix("//").partition("/")[0]
        if ":" in endpoint:
            endpoint, _, port = endpoint.rpartition(":")
    else:
        endpoint = endpoint.partition(":")[0]
    return " ".join((*SSH, *(("-p", port) if port else ()), endpoint, "-s", "sftp"))
