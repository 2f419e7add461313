"""The proxy's configuration after the guide's section 4, with its faults fixed; each function returns a file's text."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from deployer.engine.changes import File
from deployer.inventory.model import Inventory
from deployer.remote.maintenance import SAID
from deployer.remote.release.hashed import HASHED
from deployer.site import maintenance
from deployer.site.compose import BACKEND, WALLET
from deployer.site.rendering import render


def nginx_conf(host: Inventory) -> str:
    """nginx/nginx.conf: what holds for all servers."""
    return render("nginx.conf", host=host, maintenance=maintenance, said=SAID, hashed=HASHED)


def site_conf(host: Inventory) -> str:
    """nginx/conf.d/NAME.conf: the servers on 80 and 443."""
    return render("site.conf", host=host, maintenance=maintenance, said=SAID)


def upstreams(host: Inventory, backends: Sequence[str], wallets: Sequence[str]) -> str:
    """nginx/conf.d/NAME.upstreams: the containers that serve, by name. Raises ValueError where there are none."""
    if not backends or not wallets:
        raise ValueError("an upstream needs at least one container: nginx refuses an empty one")
    return render("upstreams", host=host, backends=backends, wallets=wallets)


def upstreams_path(host: Inventory) -> PurePosixPath:
    return host.paths.conf_d / f"{host.name}.upstreams"


def first_upstreams(host: Inventory) -> File:
    """With Compose's names for the first containers of each service; a roll-out rewrites the file for the next ones."""
    backends = tuple(f"{host.name}-{BACKEND}-{number}" for number in range(1, host.backend.replicas + 1))
    return File(upstreams_path(host), upstreams(host, backends, (f"{host.name}-{WALLET}-1",)).encode())
