"""The tables of the inventory file: their keys, types and defaults, as docs/inventory.md lists them."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deployer.inventory import grammar

POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {api}; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class Section(BaseModel):
    """Unknown keys and values of another type are mistakes; nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Ssh(Section):
    address: grammar.Address
    port: grammar.Port = 22
    user: grammar.User = "deploy"
    identity_file: grammar.OptionalLocalPath = ""
    known_hosts: grammar.LocalPath = "known_hosts"
    gateway: grammar.Gateway = ""


class Site(Section):
    domain: grammar.Domain
    api_domain: grammar.Domain = Field(default_factory=lambda known: f"api.{known['domain']}")
    email: grammar.Email = ""
    aliases: grammar.Domains = ()
    origins: grammar.Origins = ()
    address: grammar.OptionalAddress = ""
    nameservers: grammar.Nameservers = ()


class Network(Section):
    subnet: grammar.Subnet = "172.30.77.0/24"


class Source(Section):
    repository: grammar.Repository = "https://github.com/FractionEstate/decentralized-did.git"
    ref: grammar.Ref = "main"
    deploy_key: grammar.OptionalLocalPath = ""


class Tls(Section):
    mode: Literal["letsencrypt", "self-signed", "provided"] = "letsencrypt"
    acme_server: grammar.Url = "https://acme-v02.api.letsencrypt.org/directory"
    acme_ca: grammar.OptionalLocalPath = ""
    certificate: grammar.OptionalLocalPath = ""
    private_key: grammar.OptionalLocalPath = ""


class Docker(Section):
    packages: Literal["docker", "distribution"] = "docker"
    apt_repository: grammar.OptionalPlainUrl = ""
    apt_key: grammar.OptionalPlainUrl = ""
    registry_mirrors: grammar.Urls = ()
    insecure_registries: grammar.Registries = ()


class Build(Section):
    where: Literal["host", "operator", "registry"] = "host"


class Backend(Section):
    image: grammar.OptionalImage = ""
    context: grammar.RelativePath = "."
    dockerfile: grammar.RelativePath = "Dockerfile.backend"
    target: grammar.Stage = ""
    command: grammar.Words = ("python", "/app/api_server_secure.py")
    port: grammar.Port = 8000
    health_path: grammar.UrlPath = "/health"
    data_dir: grammar.InnerDirectory = PurePosixPath("/app/data")
    log_dir: grammar.InnerDirectory = PurePosixPath("/app/logs")
    replicas: grammar.Count = 1
    overlap: bool = True
    memory: grammar.Memory = ""
    cpus: grammar.Cpus = ""
    metrics_path: grammar.OptionalUrlPath = ""
    build_args: Mapping[grammar.Variable, grammar.Value] = Field(default_factory=dict)


class Wallet(Section):
    image: grammar.OptionalImage = ""
    context: grammar.RelativePath = "demo-wallet"
    dockerfile: grammar.RelativePath = "Dockerfile"
    output_dir: grammar.RelativePath = "dist"
    api_url_variable: grammar.Variable = "VITE_API_URL"
    port: grammar.Port = 80
    content_security_policy: grammar.Policy = POLICY


class Nginx(Section):
    image: grammar.Image = "nginx:alpine"
    rate_limit: grammar.Rate = "10r/s"
    rate_burst: grammar.Burst = 20
    cache: bool = False


class Firewall(Section):
    allow: grammar.FirewallRules = ()


class Backup(Section):
    directory: grammar.OwnDirectory
    schedule: grammar.Schedule = "0 2 * * *"
    keep_days: grammar.Days = 30
    keep_min: grammar.Count = 7
    drill_schedule: grammar.Schedule = "0 4 1 */3 *"
    check: grammar.Words = ()
    offsite: grammar.Offsite = ""


class Monitoring(Section):
    enabled: bool = False
    alert_webhook: grammar.OptionalUrl = Field(default="", repr=False)
    alert_email: grammar.Email = ""
    heartbeat_url: grammar.OptionalUrl = Field(default="", repr=False)


class Postgres(Section):
    enabled: bool = False
    image: grammar.Image = "postgres:15"
    database: grammar.Identifier = "biometric_did"
    user: grammar.Identifier = "app_user"


class Releases(Section):
    retain: grammar.Count = 5
    healthy_within: grammar.Seconds = 120
    settle: grammar.Seconds = 10
    drain: grammar.Drain = 60


class Hooks(Section):
    before_switch: grammar.Words = ()
    after_switch: grammar.Words = ()
    on_failure: grammar.Words = ()


class Hardening(Section):
    """No switches yet."""
