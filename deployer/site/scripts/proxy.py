"""The bash functions that reload the running proxy."""

from deployer.engine.program import script
from deployer.inventory.model import Inventory


def proxy_functions(host: Inventory) -> str:
    """`reload_proxy`, `drain_proxy`, and the functions that they call."""
    return script("site/scripts/proxy.sh", NAME=host.name, NGINX=str(host.paths.nginx))
