"""The bash functions that reload the running proxy, and those that replace its container."""

from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.text.shell import lines


def proxy_functions(host: Inventory) -> str:
    """`reload_proxy`, `drain_proxy`, and the functions that they call."""
    return script("site/scripts/proxy.sh", NAME=host.name, NGINX=str(host.paths.nginx))


def replacement_functions(host: Inventory) -> str:
    """`replace_proxy`, and the functions that it calls."""
    parameters = {"ROOT": str(host.root), "DOMAIN": host.site.domain, "IMAGE": host.nginx.image}
    return lines(proxy_functions(host), script("site/scripts/replace_proxy.sh", **parameters))
