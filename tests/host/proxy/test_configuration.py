"""nginx takes every configuration there can be, starts without its upstreams, and tests a copy beside the live one."""

import shutil
from collections.abc import Mapping

import pytest

from testbed.shell import BedError, docker, wait_for
from tests.host.proxy import stage
from tests.host.proxy.stage import API, CONFIGURATION, DOMAIN, PREFIX, Network, Proxy, Tree, inventory

LONG = ".".join(["a" * 60] * 4)[:240]
VARIANTS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "default": {"nginx": {}},
    "cache": {"nginx": {"cache": True}},
    "no limit": {"nginx": {"rate_limit": "off"}},
    "cache without limit": {"nginx": {"rate_limit": "off", "cache": True}},
    "self-signed": {"tls": {"mode": "self-signed"}},
    "long names": {"site": {"domain": LONG, "aliases": tuple(f"w{number}.{LONG}" for number in range(50))}},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_inventory_gives_a_good_configuration(network: Network, tree: Tree, variant: str) -> None:
    """`nginx -t` passes and warns of nothing, also with a thousand containers that do not resolve."""
    tree.write(inventory(**VARIANTS[variant]), [f"{'n' * 31}-backend-api-{n}" for n in range(1000)], ["wallet-1"])
    command = ("nginx", "-t", "-c", CONFIGURATION)
    done = docker("run", "--rm", "--network", "none", *tree.mounts, network.images.nginx, *command)
    assert "test is successful" in done.stderr
    assert "[" not in done.stderr


def test_nothing_to_resolve_keeps_it_from_starting(network: Network, tree: Tree) -> None:
    """With names that do not exist nginx runs and answers 502; it follows a container that comes, and its address."""
    host, late = inventory(), f"{PREFIX}-late"
    tree.write(host, [late], [f"{PREFIX}-never"])
    with stage.proxy(network, tree) as proxy:
        for name in (API, DOMAIN):
            assert proxy.visitor.ask(name).status == 502
        with network.application(late, host) as first:
            address = first.address
            wait_for(lambda: proxy.visitor.ask(API).status == 200 or None, "the container", seconds=20)
        with network.application(f"{late}-guard", host), network.application(late, host) as second:
            assert second.address != address
            wait_for(lambda: proxy.visitor.ask(API).status == 200 or None, "its new address", seconds=20)


def test_a_copy_beside_is_tested(proxy: Proxy) -> None:
    """Includes and certificates of .staged/nginx.conf are those of .staged; the live ones are not looked at."""
    staged = proxy.tree.nginx / ".staged"
    for name in ("conf.d", "ssl"):
        shutil.copytree(proxy.tree.nginx / name, staged / name)
    shutil.copy(proxy.tree.nginx / "nginx.conf", staged)
    command = ("-t", "-c", "/etc/nginx/deployer/.staged/nginx.conf")
    assert "test is successful" in proxy.nginx(*command)
    site = staged / "conf.d/biometric-did.conf"
    good = site.read_text()
    site.write_text(f"{good}nonsense;\n")
    assert "/etc/nginx/deployer/.staged/conf.d/biometric-did.conf" in proxy.nginx(*command, check=False)
    site.write_text(good)
    (staged / "ssl/fullchain.pem").unlink()
    refused = proxy.nginx(*command, check=False)
    assert "cannot load certificate" in refused
    assert "/etc/nginx/deployer/.staged/ssl/fullchain.pem" in refused
    (staged / "conf.d/biometric-did.upstreams").unlink()
    assert ".staged/conf.d/biometric-did.upstreams" in proxy.nginx(*command, check=False)
    assert "test is successful" in proxy.nginx("-t", "-c", CONFIGURATION)


def test_a_renamed_file_is_seen(network: Network, tree: Tree) -> None:
    """A roll-out renames a new upstreams file into the mounted directory, and a reload takes it."""
    host, names = inventory(), [f"{PREFIX}-{number}" for number in (1, 2)]
    tree.write(host, names[:1], ["wallet"])
    with (
        network.application(names[0], host),
        network.application(names[1], host),
        stage.proxy(network, tree) as proxy,
    ):
        wait_for(lambda: proxy.visitor.ask(API).status == 200 or None, "the first", seconds=20)
        assert proxy.told()["name"] == names[0]
        tree.write(host, names[1:], ["wallet"])
        proxy.reload()
        wait_for(lambda: proxy.told()["name"] == names[1] or None, "the second", seconds=5)
        assert {proxy.told()["name"] for _ in range(10)} == {names[1]}


def test_a_broken_configuration_is_refused(proxy: Proxy) -> None:
    """The gate says no with an exit code, not only with a text."""
    with pytest.raises(BedError):
        proxy.nginx("-t", "-c", "/etc/nginx/deployer/nothing.conf")
