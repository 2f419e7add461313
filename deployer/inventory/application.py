"""The tables of NAME.toml that describe the application: its containers, database, releases and backups.

Descriptions as in `sections`.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from pydantic import Field

from deployer.inventory import grammar
from deployer.inventory.sections import Section

POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {api}; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class Backend(Section):
    """The container of the API."""

    image: grammar.OptionalImage = ""
    """Image to pull with build.where = "registry": with a digest, a tag, or neither.
    Example: "ghcr.io/team/api:1.4"."""

    context: grammar.RelativePath = "."
    """Build context: a directory in the repository."""

    dockerfile: grammar.RelativePath = "Dockerfile.backend"
    """Dockerfile in the context; if the repository has none, the guide's is used."""

    target: grammar.Stage = ""
    """Stage of the Dockerfile to build; "": the last one."""

    command: grammar.Words = ("python", "/app/api_server_secure.py")
    """Command as words, without a shell; []: the image's own."""

    port: grammar.Port = 8000
    """Port on which the API listens in the container."""

    health_path: grammar.UrlPath = "/health"
    """Path that answers 200 when the application is healthy."""

    data_dir: grammar.InnerDirectory = PurePosixPath("/app/data")
    """Data directory in the container; kept on the host in <root>/data."""

    log_dir: grammar.InnerDirectory = PurePosixPath("/app/logs")
    """Log directory in the container; kept on the host in <root>/logs."""

    working_dir: grammar.OptionalDirectory = ""
    """Working directory in the container; "": log_dir, to which the guide's application logs, or with command = [] the
    image's own."""

    healthcheck: bool = True
    """false: Docker does not check the container by itself. Its check needs a shell, and curl, python or wget in the
    image; what a release waits for needs nothing in it."""

    replicas: grammar.Count = 1
    """Number of containers behind the proxy."""

    overlap: bool = True
    """false: two containers must never run at the same time; a release stops the old one before it starts the new."""

    memory: grammar.Memory = ""
    """Memory limit; "": none. Example: "2G"."""

    cpus: grammar.Cpus = ""
    """CPU limit; "": none. Example: "1.5"."""

    build_args: Mapping[grammar.Variable, grammar.Value] = Field(default_factory=dict)
    """Build arguments. No secrets: they would stay in the image. Example: {PYTHON_VERSION = "3.12"}."""


class Wallet(Section):
    """The container of the web wallet."""

    image: grammar.OptionalImage = ""
    """Image to pull with build.where = "registry", built for this API's address.
    Example: "ghcr.io/team/wallet:1.4"."""

    context: grammar.RelativePath = "demo-wallet"
    """Build context: a directory in the repository."""

    dockerfile: grammar.RelativePath = "Dockerfile"
    """Dockerfile in the context; "guide": the tool's own, if the repository's does not work."""

    output_dir: grammar.RelativePath = "dist"
    """Directory in which the build leaves the site."""

    api_url_variable: grammar.Variable = "VITE_API_URL"
    """Variable that gives the build the API's address: set as build argument and in the environment."""

    port: grammar.Port = 80
    """Port on which the wallet listens in the container."""

    content_security_policy: grammar.Policy = POLICY
    """Content-Security-Policy of the wallet; {api} stands for the API's origin, https://<site.api_domain>."""


class Nginx(Section):
    """The reverse proxy."""

    image: grammar.Image = "nginx:alpine"
    """Image of nginx, 1.27.4 or later."""

    rate_limit: grammar.Rate = "10r/s"
    """Requests to the API for each client address: per second, per minute ("300r/m"), or "off"."""

    rate_burst: grammar.Burst = 20
    """Requests above the rate that are still accepted."""

    cache: bool = False
    """Caches GET below /api/ for 5 minutes, except with Authorization."""


class Backup(Section):
    """Backups on the host, off-site snapshots and restore drills."""

    directory: grammar.OwnDirectory
    """Directory of the backups on the host, for root only; not inside <root>. Default: /backups/<name>."""

    schedule: grammar.Schedule = "0 2 * * *"
    """When backups are made: cron, in the host's time."""

    keep_days: grammar.Days = 30
    """Days after which a backup is deleted, once a newer one has succeeded."""

    keep_min: grammar.Count = 7
    """Number of the latest complete backups that are kept, however old."""

    drill_schedule: grammar.Schedule = "0 4 1 */3 *"
    """When the latest backup is restored into a temporary copy, which is checked and removed: cron."""

    check: grammar.Words = ()
    """Command that a drill runs in the restored copy, as words; exit code 0 when the data are sound.
    Example: ["python", "/app/check.py"]."""

    offsite: grammar.Offsite = ""
    """Restic repository, for this server only; RESTIC_PASSWORD in NAME.env. Example: "sftp:user@host:/path"."""


class Postgres(Section):
    """A PostgreSQL database next to the application."""

    enabled: bool = False
    """Starts PostgreSQL on the containers' network."""

    image: grammar.Image = "postgres:15"
    """Official image; another major version does not read the data: dump and restore."""

    database: grammar.Identifier = "biometric_did"
    """Name of the database, created with the first start."""

    user: grammar.Identifier = "app_user"
    """Role that owns the database, created with the first start."""


class Releases(Section):
    """How a release is rolled out."""

    retain: grammar.Count = 5
    """Number of releases that can be rolled back to."""

    healthy_within: grammar.Seconds = 120
    """Seconds within which a new container must be healthy; one that exits fails at once."""

    settle: grammar.Seconds = 10
    """Seconds for which new containers must keep running before the proxy is switched to them."""

    drain: grammar.Drain = 60
    """Seconds that requests in flight, WebSockets too, may take after the switch; then nginx closes them."""


class Hooks(Section):
    """Commands run in the new container during a release, as words, without a shell."""

    before_switch: grammar.Words = ()
    """Must succeed before visitors reach the new container. Example: ["python", "migrate.py"]."""

    after_switch: grammar.Words = ()
    """Run after visitors reach the new container."""

    on_failure: grammar.Words = ()
    """Run when the switch failed."""
