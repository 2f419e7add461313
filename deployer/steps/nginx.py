"""4. Nginx reverse proxy: its configuration passes `nginx -t` in a copy before it replaces the old one."""

from collections.abc import Mapping

from deployer.engine.changes import File, Script, WriteFiles
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import call, run
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_files, compare
from deployer.site.compose import PROXY
from deployer.site.containers import ask_containers, ask_loaded, containers, is_loaded, is_running
from deployer.site.nginx import first_upstreams, nginx_conf, site_conf, upstreams_path
from deployer.text.shell import quote

TITLE = "4. Nginx reverse proxy"


def files(host: Inventory) -> Mapping[str, File]:
    return {
        "nginx.conf": File(host.paths.nginx_conf, nginx_conf(host).encode()),
        "site": File(host.paths.site_conf, site_conf(host).encode()),
    }


def probes(host: Inventory) -> Probes:
    upstreams_file = quote(upstreams_path(host))
    return {
        **ask_files(files(host), host),
        "upstreams": Ask(f"[ -e {upstreams_file} ] && echo present; true"),
        "containers": ask_containers(host),
        "loaded": ask_loaded(host),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    changes = tuple(compare(facts, files(host), check=f'{call(host, "proxy", "check")} "$STAGED"'))
    if not facts["upstreams"]:  # first: the others are checked together with it
        changes = (WriteFiles(f"write {first_upstreams(host).path} (absent)", (first_upstreams(host),)), *changes)
    yield from changes
    runs = is_running(containers(host, facts["containers"]), PROXY)
    if runs and (changes or not is_loaded(facts, "configuration")):
        yield reload(host)


def reload(host: Inventory) -> Script:
    """A reload drops no request: old workers finish theirs. It is undone by a reload of the restored files.

    After an interruption the next run reloads, since it sees what the proxy has not loaded.
    """
    text = run(host, "proxy", "reload")
    return Script("reload the proxy with its configuration on disk", text, undo=text, within=60)
