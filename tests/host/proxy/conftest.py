"""Fixtures of the proxy's tests: one application and one wallet for all of them, and proxies in front."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployer.inventory.model import Inventory
from testbed.bed import Bed
from testbed.images import ensure_image
from tests.host.proxy import stage
from tests.host.proxy.stage import ALIAS, API, DOMAIN, PREFIX, Images, Network, Proxy, Tree, inventory
from tests.support.own_authority import Issued, issue

SITE = {
    "index.html": "<!doctype html><title>wallet</title>",
    "env.js": "plain",
    "sw.js": "service worker",
    "manifest.webmanifest": "{}",
    "module.mjs": "export {}",
    "static/main.0123456789abcdef0123.js": "hashed " * 100,
    "static/main.0123456789abcdef0123.js.map": "{}",
    "assets/index-BqX1z_9k.js": "hashed by Vite",
    "assets/my-carousel.js": "not hashed",
    ".env": "secret",
}

Serve = Callable[[Inventory], Proxy]


@pytest.fixture(scope="session")
def images(bed: Bed) -> Images:
    return Images(ensure_image("nginx", bed.apt_cache.url), ensure_image("python", bed.apt_cache.url))


@pytest.fixture(scope="session")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("authority"), DOMAIN, API, ALIAS)


@pytest.fixture(scope="session")
def network(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network on which `APPLICATION` and `WALLET` serve."""
    site = tmp_path_factory.mktemp("wallet") / "site"
    for name, content in SITE.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    with (
        stage.network(images) as network,
        network.application(APPLICATION, inventory()),
        network.wallet(WALLET, inventory(), site),
    ):
        yield network


APPLICATION = f"{PREFIX}-application"
WALLET = f"{PREFIX}-wallet"


@pytest.fixture(scope="module")
def serve(network: Network, issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a proxy for an inventory, in front of the application and the wallet."""
    with ExitStack() as proxies:

        def start(host: Inventory) -> Proxy:
            tree = Tree(tmp_path_factory.mktemp("root"), issued)
            tree.write(host, [APPLICATION], [WALLET])
            return proxies.enter_context(stage.proxy(network, tree))

        yield start


@pytest.fixture(scope="module")
def proxy(serve: Serve) -> Proxy:
    """The default proxy, without a rate limit."""
    return serve(inventory())


@pytest.fixture
def tree(tmp_path: Path, issued: Issued) -> Tree:
    return Tree(tmp_path, issued)
