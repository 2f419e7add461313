"""The proxy's configuration, as the guide's section 4 has it, mended; each function returns one file's text."""

from collections.abc import Sequence

from deployer.inventory.model import Inventory
from deployer.site import maintenance
from deployer.site.rendering import render

HASHED = (
    r"[.-]((?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,}|(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])[A-Za-z0-9_-]{8})"
    r"(\.[a-z]+)?\.(js|mjs|css|wasm|png|jpe?g|gif|webp|avif|ico|svg|woff2?|ttf|otf|mp4|webm|mp3)$"
)
"""How a file's name ends that carries a hash of its content (F28): hexadecimal (webpack), or eight letters of base64
with a capital and a digit (Vite), so that neither `-carousel.js` nor `-20250101.css` is taken for one. A hash that is
not seen costs a question; a name taken for one would stay old for a year."""


def nginx_conf(host: Inventory) -> str:
    """nginx/nginx.conf: what holds for all servers."""
    return render("nginx.conf", host=host, maintenance=maintenance, hashed=HASHED)


def site_conf(host: Inventory) -> str:
    """nginx/conf.d/NAME.conf: the servers on 80 and 443."""
    return render("site.conf", host=host, maintenance=maintenance)


def upstreams(host: Inventory, backends: Sequence[str], wallets: Sequence[str]) -> str:
    """nginx/conf.d/NAME.upstreams: the containers that serve, by name. Raise ValueError where there are none."""
    if not backends or not wallets:
        raise ValueError("an upstream needs at least one container: nginx refuses an empty one")
    return render("upstreams", host=host, backends=backends, wallets=wallets)
