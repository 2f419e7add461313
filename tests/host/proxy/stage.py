"""The proxy on a network with an application and a wallet, each in a container, without a host around them."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.inventory.model import Inventory
from deployer.site.nginx import nginx_conf, site_conf, upstreams
from deployer.site.rendering import render
from testbed.places import CHECKOUT_ID
from testbed.shell import docker, wait_for
from tests.support.own_authority import Issued
from tests.support.visitor import Visitor

DOMAIN = "wallet.example.test"
ALIAS = "www.example.test"
API = f"api.{DOMAIN}"
CONFIGURATION = "/etc/nginx/deployer/nginx.conf"
PREFIX = f"bed-{CHECKOUT_ID}-proxy-{os.getpid()}"
ECHO = Path(__file__).with_name("echo.py")


def inventory(**sections: Mapping[str, object]) -> Inventory:
    """The default inventory, less the rate limit that would disturb tests of other things, plus what is given."""
    site = {"domain": DOMAIN, "aliases": ("www.example.test",)}
    tls = {"mode": "provided", "certificate": "chain.pem", "private_key": "key.pem"}
    given = {"ssh": {"address": "203.0.113.10"}, "site": site, "tls": tls, "nginx": {"rate_limit": "off"}}
    return Inventory.model_validate({**given, **sections})


@dataclass(frozen=True)
class Images:
    nginx: str
    python: str


@dataclass(frozen=True)
class Container:
    id: str

    @property
    def address(self) -> str:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return docker("inspect", "--format", form, self.id).stdout.strip()


@contextmanager
def running(image: str, *command: str, options: Sequence[str] = ()) -> Iterator[Container]:
    """A container, removed by its id; what it said is shown when what stands inside fails."""
    label = f"deployer.testbed.proxy={CHECKOUT_ID}"
    identifier = docker("run", "--detach", "--label", label, *options, image, *command).stdout.strip()
    try:
        yield Container(identifier)
    except BaseException:
        print(docker("logs", identifier, check=False))
        raise
    finally:
        docker("rm", "--force", "--volumes", identifier)


@dataclass(frozen=True)
class Network:
    """Where the containers find each other by name."""

    name: str
    images: Images

    def options(self, name: str) -> tuple[str, ...]:
        return ("--network", self.name, "--name", name)

    @contextmanager
    def application(self, name: str, host: Inventory) -> Iterator[Container]:
        mounted = (*self.options(name), "--volume", f"{ECHO}:/echo.py:ro")
        with running(
            self.images.python, "python3", "/echo.py", str(host.backend.port), name, options=mounted
        ) as container:
            yield container

    @contextmanager
    def wallet(self, name: str, host: Inventory, site: Path) -> Iterator[Container]:
        """The static nginx of the wallet's image, with this site."""
        configuration = site.with_name("wallet.conf")
        configuration.write_text(render("wallet.conf", host=host))
        mounts = (f"{configuration}:/etc/nginx/conf.d/default.conf:ro", f"{site}:/usr/share/nginx/html:ro")
        options = (*self.options(name), *(word for mount in mounts for word in ("--volume", mount)))
        with running(self.images.nginx, "nginx", "-g", "daemon off;", options=options) as container:
            yield container


@contextmanager
def network(images: Images) -> Iterator[Network]:
    identifier = docker("network", "create", PREFIX).stdout.strip()
    try:
        yield Network(PREFIX, images)
    finally:
        docker("network", "rm", identifier)


@dataclass(frozen=True)
class Tree:
    """<root>/nginx and the challenge directory, as on a host."""

    root: Path
    issued: Issued

    @property
    def nginx(self) -> Path:
        return self.root / "nginx"

    def write(self, host: Inventory, backends: Sequence[str], wallets: Sequence[str]) -> None:
        """All files, each written beside and renamed, as the tool does."""
        for directory in ("nginx/conf.d", "nginx/ssl", "nginx/logs", "acme/.well-known/acme-challenge"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy(self.issued.certificate, self.nginx / "ssl/fullchain.pem")
        shutil.copy(self.issued.private_key, self.nginx / "ssl/privkey.pem")
        self.replace("nginx.conf", nginx_conf(host))
        self.replace(f"conf.d/{host.name}.conf", site_conf(host))
        self.replace(f"conf.d/{host.name}.upstreams", upstreams(host, backends, wallets))

    def replace(self, name: str, text: str) -> None:
        beside = self.nginx / f"{name}.new"
        beside.write_text(text)
        beside.rename(self.nginx / name)

    @property
    def mounts(self) -> tuple[str, ...]:
        places = (
            f"{self.nginx}:/etc/nginx/deployer:ro",
            f"{self.nginx}/logs:/var/log/nginx",
            f"{self.root}/acme:/var/www/certbot:ro",
        )
        return tuple(word for place in places for word in ("--volume", place))


@dataclass(frozen=True)
class Proxy:
    """The running proxy."""

    container: Container
    tree: Tree

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.container.address, self.tree.issued.root)

    def nginx(self, *arguments: str, check: bool = True) -> str:
        done = docker("exec", self.container.id, "nginx", *arguments, check=check)
        return done.stdout + done.stderr

    def reload(self) -> None:
        """Load what lies on disk, and wait for the workers that have it."""
        before = self.workers()
        self.nginx("-s", "reload", "-c", CONFIGURATION)
        wait_for(lambda: self.workers() - before or None, "new workers", seconds=10)

    def workers(self) -> frozenset[str]:
        listed = docker("top", self.container.id, "-eo", "pid,args").stdout.splitlines()
        return frozenset(line.split()[0] for line in listed if line.endswith("nginx: worker process"))

    def told(self, path: str = "/", **options: object) -> dict[str, object]:
        """What the application says it was asked."""
        seen = self.visitor.ask(API, path, **options)  # type: ignore[arg-type]
        assert seen.status == 200, seen
        value = json.loads(seen.body)
        assert isinstance(value, dict)
        return value


@contextmanager
def proxy(network: Network, tree: Tree) -> Iterator[Proxy]:
    """nginx with the tree mounted, as compose starts it; ready when it listens."""
    options = ("--network", network.name, *tree.mounts, "--security-opt", "no-new-privileges:true")
    command = ("nginx", "-c", CONFIGURATION, "-g", "daemon off;")
    with running(network.images.nginx, *command, options=options) as container:
        started = Proxy(container, tree)
        wait_for(lambda: started.workers() or None, "the proxy's workers", seconds=10)
        yield started
