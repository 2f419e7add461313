"""One host's inventory, valid and frozen, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from types import MappingProxyType

from pydantic import Field, PrivateAttr, model_validator

from deployer.inventory import application, grammar, sections
from deployer.inventory.formats import is_name
from deployer.inventory.layout import Layout
from deployer.secret import Secret

LOCAL = "local"
DEFAULT_NAME = "biometric-did"


@dataclass(frozen=True)
class Origin:
    """Where an inventory came from: its file, and the secrets next to it."""

    file: Path = Path("inventory")
    secrets: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}))


class Inventory(sections.Section):
    """The content of NAME.toml, with every default filled in. `load` makes one from the files."""

    name: grammar.Name = DEFAULT_NAME
    """Name of the deployment, of which containers, network and archives have theirs: 2 to 31 of a-z, 0-9 and -."""

    root: grammar.OwnDirectory
    """Directory on the host that holds everything. Default: /opt/<name>."""

    ssh: sections.Ssh
    site: sections.Site
    network: sections.Network = Field(default_factory=sections.Network)
    source: sections.Source = Field(default_factory=sections.Source)
    tls: sections.Tls = Field(default_factory=sections.Tls)
    docker: sections.Docker = Field(default_factory=sections.Docker)
    build: sections.Build = Field(default_factory=sections.Build)
    backend: application.Backend = Field(default_factory=application.Backend)
    wallet: application.Wallet = Field(default_factory=application.Wallet)
    nginx: application.Nginx = Field(default_factory=application.Nginx)
    firewall: sections.Firewall = Field(default_factory=sections.Firewall)
    backup: application.Backup
    postgres: application.Postgres = Field(default_factory=application.Postgres)
    releases: application.Releases = Field(default_factory=application.Releases)
    hooks: application.Hooks = Field(default_factory=application.Hooks)
    environment: Mapping[grammar.Variable, grammar.Value] = Field(default_factory=dict, repr=False)
    """Further variables of the application's .env, as texts; no secrets. Example: {CARDANO_NETWORK = "mainnet"}."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: object) -> object:
        return with_derived(given) if isinstance(given, dict) else given

    def model_post_init(self, context: object) -> None:
        if isinstance(context, Origin):
            self._origin = context

    @property
    def file(self) -> Path:
        """The NAME.toml it was read from."""
        return self._origin.file

    @property
    def host_name(self) -> str:
        """What `--host` calls it: the name of its file."""
        return self.file.stem

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """What the operator supplied in NAME.env."""
        return self._origin.secrets

    def local_path(self, value: str) -> Path:
        """A path of the inventory on this machine: relative ones begin in the directory of the file."""
        return self.file.parent / Path(value).expanduser()

    @property
    def is_local(self) -> bool:
        """This machine itself is provisioned, without SSH."""
        return self.ssh.address == LOCAL

    @property
    def public_address(self) -> str:
        """Where visitors reach the host."""
        return self.site.address or ("127.0.0.1" if self.is_local else self.ssh.address)

    @property
    def names(self) -> tuple[str, ...]:
        """What the certificate covers."""
        return (self.site.domain, self.site.api_domain, *self.site.aliases)

    @property
    def origins(self) -> tuple[str, ...]:
        """Whose pages may call the API (CORS)."""
        pages = (self.site.domain, *self.site.aliases)
        return self.site.origins or tuple(f"https://{page}" for page in pages)

    @property
    def api_origin(self) -> str:
        return f"https://{self.site.api_domain}"

    @property
    def content_security_policy(self) -> str:
        """The wallet's policy as the browser gets it."""
        return self.wallet.content_security_policy.replace("{api}", self.api_origin)

    @property
    def network_name(self) -> str:
        return f"{self.name}-network"

    @property
    def proxy_address(self) -> IPv4Address:
        """nginx's own, fixed, so that the API can trust its headers; .1 is Docker's gateway."""
        return IPv4Network(self.network.subnet)[2]

    @property
    def paths(self) -> Layout:
        return Layout(self.root, self.name)


def with_derived(given: Mapping[str, object]) -> dict[str, object]:
    """The defaults that follow from other keys; the two tables that have required keys exist."""
    name = given.get("name")
    name = name if isinstance(name, str) and is_name(name) else DEFAULT_NAME
    backup = given.get("backup", {})
    if isinstance(backup, dict):
        backup = {"directory": f"/backups/{name}", **backup}
    return {"root": f"/opt/{name}", "ssh": {}, "site": {}, **given, "backup": backup}
