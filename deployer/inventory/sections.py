"""The tables of NAME.toml that describe the host: how to reach it, its names, its certificate, its Docker.

The text below each key is its description. docs/inventory.md, inventory/example.toml and the JSON Schema are made from
it (`invoke docs`); a last sentence `Default: …` or `Example: …` has its own place there.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deployer.inventory import grammar


class Section(BaseModel):
    """Unknown keys and values of another type are mistakes; nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Ssh(Section):
    """How to log in to the host."""

    address: grammar.Address
    """Host name, IPv4 or IPv6 address, or a Host of ~/.ssh/config; "local" for this machine itself, without SSH."""

    port: grammar.Port = 22
    """Port of sshd."""

    user: grammar.User = "deploy"
    """Login with sudo: passwordless, or with the password from DEPLOYER_SUDO_PASSWORD or a prompt."""

    identity_file: grammar.OptionalLocalPath = ""
    """Private key to log in with; "": those of the agent and of ~/.ssh/config. Example: "~/.ssh/id_ed25519"."""

    known_hosts: grammar.LocalPath = "known_hosts"
    """File of pinned host keys, relative to the inventory."""

    gateway: grammar.Gateway = ""
    """Host to connect through; its host key is checked too. Example: "ops@bastion.example.com:22"."""


class Site(Section):
    """The public names of the site and of its API."""

    domain: grammar.Domain
    """Domain of the site."""

    api_domain: grammar.Domain = Field(default_factory=lambda known: f"api.{known['domain']}")
    """Domain of the API, a name of its own. Default: api.<site.domain>."""

    email: grammar.Email = ""
    """Address that Let's Encrypt writes to; required with tls.mode = "letsencrypt"."""

    aliases: grammar.Domains = ()
    """Further names of the site. Example: ["www.example.com"]."""

    origins: grammar.Origins = ()
    """Origins whose pages may call the API (CORS); []: https:// with the domain and with each alias."""

    address: grammar.OptionalAddress = ""
    """Address at which visitors reach the host; "": ssh.address."""

    nameservers: grammar.Nameservers = ()
    """Name servers asked for the names; []: the resolvers of this machine. Example: ["192.0.2.53"]."""


class Network(Section):
    """The containers' network."""

    subnet: grammar.Subnet = "172.30.77.0/24"
    """Subnet of the containers: private, IPv4, /16 to /28."""


class Source(Section):
    """The application's repository."""

    repository: grammar.Repository = "https://github.com/FractionEstate/decentralized-did.git"
    """Git repository: https://, ssh://, git@host:path or a path; never with a password."""

    ref: grammar.Ref = "main"
    """Branch, tag or commit to deploy."""

    deploy_key: grammar.OptionalLocalPath = ""
    """Path of an SSH key without passphrase, for a private repository."""


class Tls(Section):
    """The certificate."""

    mode: Literal["letsencrypt", "self-signed", "provided"] = "letsencrypt"
    """Where the certificate comes from; "provided": from the two files certificate and private_key."""

    acme_server: grammar.Url = "https://acme-v02.api.letsencrypt.org/directory"
    """Directory URL of the ACME server."""

    acme_ca: grammar.OptionalLocalPath = ""
    """CA bundle (PEM) of a CA of your own: certbot trusts it for that server, `verify` for the site."""

    certificate: grammar.OptionalLocalPath = ""
    """For "provided": the certificate chain (PEM), relative to the inventory."""

    private_key: grammar.OptionalLocalPath = ""
    """For "provided": the private key (PEM), relative to the inventory."""


class Docker(Section):
    """How Docker is installed, and where it pulls from."""

    packages: Literal["docker", "distribution"] = "docker"
    """Packages of Docker's own apt repository, or of the distribution."""

    apt_repository: grammar.OptionalPlainUrl = ""
    """Another apt repository of Docker; "": chosen by the host's os-release.
    Example: "https://download.docker.com/linux/ubuntu"."""

    apt_key: grammar.OptionalPlainUrl = ""
    """Signing key of that repository; "": chosen by the host's os-release.
    Example: "https://download.docker.com/linux/ubuntu/gpg"."""

    registry_mirrors: grammar.Urls = ()
    """Mirrors of Docker Hub. Example: ["https://mirror.example.com"]."""

    insecure_registries: grammar.Registries = ()
    """Registries without TLS: host:port or networks. Example: ["10.0.0.5:5000", "10.0.0.0/8"]."""


class Build(Section):
    """Where images come from."""

    where: Literal["host", "operator", "registry"] = "host"
    """Built on the host; built on the operator's machine, and missing layers are sent; or pulled from a registry."""


class Firewall(Section):
    """The firewall (ufw)."""

    allow: grammar.FirewallRules = ()
    """Ports to open besides SSH, 80 and 443. Example: ["51820/udp", "6000:6010/tcp"]."""
