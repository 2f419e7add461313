"""4. Nginx reverse proxy: its configuration passes `nginx -t` beside the old one before it replaces it."""

from collections.abc import Mapping

from deployer.engine.changes import File, Script, WriteFiles
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_files, compare
from deployer.site.compose import BACKEND, PROXY, WALLET
from deployer.site.containers import ask_containers, ask_loaded, containers, is_running
from deployer.site.nginx import nginx_conf, site_conf, upstreams
from deployer.text.shell import quote

TITLE = "4. Nginx reverse proxy"


def files(host: Inventory) -> Mapping[str, File]:
    return {
        "nginx.conf": File(host.paths.nginx_conf, nginx_conf(host).encode()),
        "site": File(host.paths.site_conf, site_conf(host).encode()),
    }


def first_upstreams(host: Inventory) -> File:
    """Compose's names for the first containers of each service; a roll-out rewrites the file for the next ones."""
    backends = tuple(f"{host.name}-{BACKEND}-{number}" for number in range(1, host.backend.replicas + 1))
    text = upstreams(host, backends, (f"{host.name}-{WALLET}-1",))
    return File(host.paths.conf_d / f"{host.name}.upstreams", text.encode())


def probes(host: Inventory) -> Probes:
    upstreams_file = quote(first_upstreams(host).path)
    return {
        **ask_files(files(host)),
        "upstreams": Ask(f"[ -e {upstreams_file} ] && echo present; true"),
        "containers": ask_containers(host),
        "loaded": ask_loaded(host, "nginx.conf conf.d"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    check = script(
        "site/scripts/check_nginx.sh",
        NGINX=str(host.paths.nginx),
        IMAGE=host.nginx.image,
        UPSTREAMS=first_upstreams(host).content.decode(),
        UPSTREAMS_FILE=f"conf.d/{host.name}.upstreams",
    )
    changes = tuple(compare(facts, files(host), check=check))
    if not facts["upstreams"]:
        changes = (WriteFiles(f"write {first_upstreams(host).path} (absent)", (first_upstreams(host),)), *changes)
    yield from changes
    if is_running(containers(facts["containers"]), PROXY) and (changes or facts["loaded"] != "loaded"):
        yield reload(host)


def reload(host: Inventory) -> Script:
    """A reload drops no request: old workers finish what they began. Undone by another, of the files put back.

    Broken off, it is made by the next run, which sees what the proxy has not read.
    """
    text = script("site/scripts/proxy.sh", NAME=host.name, NGINX=str(host.paths.nginx)) + "\nreload_proxy\n"
    return Script("reload the proxy with its configuration on disk", text, undo=text, within=60)
