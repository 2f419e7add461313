"""The proxy's configuration, as the guide's section 4 has it, mended; each function returns one file's text."""

from collections.abc import Sequence

from deployer.inventory.model import Inventory
from deployer.rendering import render


def nginx_conf(host: Inventory) -> str:
    """nginx/nginx.conf: what holds for all servers."""
    return render("nginx.conf", host=host)


def site_conf(host: Inventory) -> str:
    """nginx/conf.d/NAME.conf: the servers on 80 and 443."""
    return render("site.conf", host=host)


def upstreams(host: Inventory, backends: Sequence[str], wallets: Sequence[str]) -> str:
    """nginx/conf.d/NAME.upstreams: the containers that serve, by name. Raise ValueError where there are none."""
    if not backends or not wallets:
        raise ValueError("an upstream needs at least one container: nginx refuses an empty one")
    return render("upstreams", host=host, backends=backends, wallets=wallets)
