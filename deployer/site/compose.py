"""docker-compose.yml as data, dumped as YAML: no text templates, so that no value can break out of its place.

Unlike the guide's file it does not publish 8000 and 3003 past ufw (F2), name containers (F3),
or declare volumes that nothing uses (F4) and a second network (F1).
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache

import yaml

from deployer.inventory.model import Inventory
from deployer.site import env as environment
from deployer.text.marker import MARKER

BACKEND = "backend-api"
WALLET = "demo-wallet"
PROXY = "nginx"
DATABASE = "postgres"

PGDATA = "/var/lib/postgresql/data"
"""Where the official image has its data up to version 17; set for all of them."""

Service = dict[str, object]

CONFIG_LABEL = "deployer.config"
"""Digest of all that a container was started with: when it differs, the container has to be replaced."""


class Expanded(str):
    """A value in which Compose expands `$`: the only way to name a secret of .env without writing it."""


def image(host: Inventory, service: str) -> str:
    """The name of a service's image without its tag."""
    return f"{host.name}-{'backend' if service == BACKEND else 'wallet'}"


def text(host: Inventory) -> str:
    document = {
        "name": host.name,
        "services": services(host),
        "networks": {"default": {"name": host.network_name, "external": True}},
    }
    return dumped(document)


def dumped(document: Mapping[str, object]) -> str:
    """As YAML in which Compose reads every value as it is."""
    return _as_yaml(json.dumps(_escaped(document)))


@lru_cache(maxsize=4)
def _as_yaml(document: str) -> str:
    """Cached: one run needs the same text a dozen times, and dumping it takes longer than reading an inventory."""
    return f"# {MARKER}\n" + yaml.safe_dump(json.loads(document), sort_keys=False, width=1000, allow_unicode=True)


def services(host: Inventory) -> Mapping[str, Service]:
    digests = config_digests(host)
    return {name: {**service, "labels": {CONFIG_LABEL: digests[name]}} for name, service in _plain(host).items()}


def config_digests(host: Inventory) -> Mapping[str, str]:
    """For each service, the digest of what its containers are started with; the backend's holds .env as well."""
    plain = _plain(host)
    started_with = {**plain, BACKEND: {**plain[BACKEND], "env": environment.digest(host)}}
    return {name: _digest(service) for name, service in started_with.items()}


def _plain(host: Inventory) -> Mapping[str, Service]:
    always = {BACKEND: _backend(host), WALLET: _wallet(host), PROXY: _proxy(host)}
    return {**always, DATABASE: _database(host)} if host.postgres.enabled else always


def health_command(port: int, path: str) -> str:
    """Shell that succeeds when the application answers 200, with what the image has: curl, python or wget.

    It sends X-Forwarded-Proto: under HTTPS_ONLY the application answers 301 otherwise, and `curl -f` takes a 301 for
    healthy (A5).
    """
    url = f"http://127.0.0.1:{port}{path}"
    header = "X-Forwarded-Proto: https"
    python = (
        f"import http.client as h; c = h.HTTPConnection('127.0.0.1', {port}, timeout=5); "
        f"c.request('GET', '{path}', headers={{'X-Forwarded-Proto': 'https'}}); "
        "raise SystemExit(c.getresponse().status != 200)"
    )
    return (
        "if command -v curl >/dev/null; then "
        f'test "$(curl -s -m 5 -o /dev/null -w "%{{http_code}}" -H "{header}" {url})" = 200; '
        f'elif command -v python3 >/dev/null; then python3 -c "{python}"; '
        f'elif command -v python >/dev/null; then python -c "{python}"; '
        f'else wget -q -T 5 -O /dev/null --header "{header}" {url}; fi'
    )


def _backend(host: Inventory) -> Service:
    """The guide's application works in the mounted log directory, since it writes its logs there (A1)."""
    backend = host.backend
    service: Service = {
        **_common(f"{image(host, BACKEND)}:current"),
        "env_file": [str(host.paths.env)],
        "volumes": [f"{host.paths.logs}:{backend.log_dir}", f"{host.paths.data}:{backend.data_dir}"],
        "healthcheck": _health(backend.port, backend.health_path) if backend.healthcheck else {"test": ["NONE"]},
        "stop_grace_period": "30s",
    }
    if directory := backend.working_dir or (str(backend.log_dir) if backend.command else ""):
        service["working_dir"] = directory
    if backend.command:
        service["command"] = list(backend.command)
    if backend.memory:
        service["mem_limit"] = backend.memory
    if backend.cpus:
        service["cpus"] = backend.cpus
    return service


def _wallet(host: Inventory) -> Service:
    return {
        **_common(f"{image(host, WALLET)}:current"),
        "healthcheck": _health(host.wallet.port, "/"),
        "stop_grace_period": "30s",
    }


def _proxy(host: Inventory) -> Service:
    """A directory is mounted, not single files: a file replaced by renaming would remain the old one inside."""
    paths = host.paths
    return {
        **_common(host.nginx.image),
        "command": ["nginx", "-c", "/etc/nginx/deployer/nginx.conf", "-g", "daemon off;"],
        "ports": ["0.0.0.0:80:80", "0.0.0.0:443:443"],
        "volumes": [
            f"{paths.nginx}:/etc/nginx/deployer:ro",
            f"{paths.nginx_logs}:/var/log/nginx",
            f"{paths.state / 'acme'}:/var/www/certbot:ro",
        ],
        "networks": {"default": {"ipv4_address": str(host.proxy_address)}},
        "stop_grace_period": "60s",
    }


def _database(host: Inventory) -> Service:
    """The image's entry point starts as root, makes its own user the owner of the data directory, and continues as it.

    Of .env it gets the password alone, not the application's keys, so no `env_file`. Compose reads .env next to the
    file (it is always called with the project's directory), and nothing in such a password can be expanded again. The
    image uses it only to create the database; section 14.2 gives the role the current one.
    """
    postgres = host.postgres
    given = {"POSTGRES_DB": postgres.database, "POSTGRES_USER": postgres.user, "PGDATA": PGDATA}
    return {
        **_common(postgres.image),
        "command": ["postgres", "-c", f"max_connections={_connections(host)}"],
        "environment": {**given, "POSTGRES_PASSWORD": Expanded(f"${{{environment.DB_PASSWORD}}}")},
        "volumes": [f"{host.paths.postgres}:{PGDATA}"],
        "shm_size": "256m",
        "healthcheck": {
            "test": ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", postgres.user, "-d", postgres.database],
            "interval": "10s",
            "timeout": "5s",
            "retries": 5,
            "start_period": "60s",
        },
        "stop_grace_period": "60s",
    }


def _connections(host: Inventory) -> int:
    """Twice the pools of all backends, as a release starts alongside the old one; and some for people and dumps."""
    pools = 2 * host.backend.replicas * (environment.POOL_SIZE + environment.MAX_OVERFLOW)
    return max(200, pools + 20)


def _common(image_name: str) -> Service:
    return {
        "image": image_name,
        "restart": "unless-stopped",
        "pull_policy": "never",
        "security_opt": ["no-new-privileges:true"],
    }


def _health(port: int, path: str) -> Service:
    """Every 30 s: the application allows 30 requests a minute to its health path (A4)."""
    test = ["CMD-SHELL", health_command(port, path)]
    return {"test": test, "interval": "30s", "timeout": "10s", "retries": 3, "start_period": "40s"}


def _digest(service: Service) -> str:
    return hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()[:16]


def _escaped(value: object) -> object:
    """Compose expands `$` in every value; doubled, it is a dollar sign."""
    match value:
        case Expanded():
            return str(value)
        case str():
            return value.replace("$", "$$")
        case dict():
            return {key: _escaped(inner) for key, inner in value.items()}
        case list():
            return [_escaped(inner) for inner in value]
        case _:
            return value
