"""Proxy."""

from collections.abc import Sequence

from deployer.inventory.model import Inventory
from deployer.rendering import render


def nginx_conf(host: Inventory) -> str:
    return render("nginx.conf", host=host)


def site_conf(host: Inventory) -> str:
    return render("site.conf", host=host)


def upstreams(host: Inventory, backends: Sequence[str], wallets: Sequence[str]) -> str:
    return render("upstreams", host=host, backends=backends, wallets=wallets)
