"""3.2 Configure Docker: log rotation, live-restore, start at boot, the operator in its group; tested by a container."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from deployer.engine.changes import Change, File, Note, Script, Stop, WriteFiles
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_api
from deployer.resources.services import UNIT_ABSENT, UNIT_OFF, ask_active, ask_enabled
from deployer.text.shell import quote, sh

TITLE = "3.2 Configure Docker"

NGINX_MINIMUM = "1.27.4"
"""`resolve` in an upstream came with 1.27.3, keepalive_min_timeout with 1.27.4 (nginx CHANGES)."""

_FILE = PurePosixPath("/etc/docker/daemon.json")
# dockerd writes its pid file when it starts, so it has not read a configuration that is newer.
_STALE = f"[ -e {_FILE} ] && [ -e /run/docker.pid ] && [ {_FILE} -nt /run/docker.pid ] && echo stale; true"


def settings(host: Inventory) -> Mapping[str, object]:
    """max-size keeps logs from filling the disk; live-restore keeps containers running while Docker restarts."""
    wanted: dict[str, object] = {
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "3"},
        "live-restore": True,
    }
    if host.docker.registry_mirrors:
        wanted["registry-mirrors"] = list(host.docker.registry_mirrors)
    if host.docker.insecure_registries:
        wanted["insecure-registries"] = list(host.docker.insecure_registries)
    return wanted


def probes(host: Inventory) -> Probes:
    return {
        "file": Ask(f"cat {_FILE} 2>/dev/null || true"),
        "stale": Ask(_STALE),
        "enabled": ask_enabled("docker.service", host),
        "active": ask_active("docker.service", host),
        "groups": Ask(f"id -nG {quote(_user(host))} 2>/dev/null || true"),
        "image": _ask_image(host),
    }


def _ask_image(host: Inventory) -> Ask:
    image = host.nginx.image
    return ask_api(host, "image", image, otherwise=sh("docker", "image", "ls", "-q", image))


def plan(host: Inventory, facts: Facts) -> Plan:
    present = _present(facts["file"])
    merged = {**present, **settings(host)}
    changed = merged != present
    if changed:
        yield _write(facts["file"], merged)
    yield from _running(facts, restart=changed or facts["stale"] == "stale")
    if host.ssh.user != "root" and "docker" not in facts["groups"].split():
        yield Script(f"add {host.ssh.user} to the group docker", sh("usermod", "-aG", "docker", _user(host)))
    if not _is_down(facts) and not facts["image"]:
        yield _check_image(host.nginx.image)


def _is_down(facts: Facts) -> bool:
    """Installed, but not running: it has to be started before it can answer anything else."""
    return facts["enabled"] not in UNIT_ABSENT and facts["active"] != "active"


def _user(host: Inventory) -> str:
    return host.ssh.user


def _present(text: str) -> dict[str, object]:
    """The file's settings. Those that are not ours are kept. Raises Stop where it is not a JSON object."""
    try:
        present = json.loads(text or "{}")
    except ValueError as error:
        raise Stop(Note(f"{_FILE} is not JSON: {error}", f"fix or remove {_FILE} on the host")) from None
    if not isinstance(present, dict):
        raise Stop(Note(f"{_FILE} is not a JSON object", f"fix or remove {_FILE} on the host"))
    return present


def _write(old: str, merged: Mapping[str, object]) -> Change:
    text = json.dumps(merged, indent=2) + "\n"
    difference = difflib.unified_diff(
        old.splitlines(), text.splitlines(), f"host:{_FILE}", f"wanted:{_FILE}", lineterm=""
    )
    check = f'dockerd --validate --config-file "$STAGED{_FILE}"'
    return WriteFiles(f"write {_FILE}", (File(_FILE, text.encode()),), "\n".join(difference), check)


def _running(facts: Facts, *, restart: bool) -> Iterator[Change]:
    if facts["enabled"] in UNIT_OFF:
        yield Script("start Docker at boot", "systemctl enable docker.service")
    if restart:
        yield Script("restart Docker with its new configuration", "systemctl restart docker.service", within=120)
    elif _is_down(facts):
        yield Script("start Docker", "systemctl start docker.service", within=120)


def _check_image(image: str) -> Script:
    """Run a container, and check that the proxy's nginx can follow the containers of an upstream."""
    script = f"""\
docker pull -q {quote(image)}
version=$(docker run --rm {quote(image)} nginx -v 2>&1 | sed -n 's/.*nginx\\///p')
echo "Docker ran a container: nginx $version"
printf '%s\\n' {NGINX_MINIMUM} "$version" | sort -V -C ||
  {{ echo "nginx $version is older than {NGINX_MINIMUM}"; exit 1; }}"""
    return Script(
        f"pull {image}, and check that Docker runs it and that it is nginx {NGINX_MINIMUM} or later", script, within=900
    )
