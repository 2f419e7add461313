"""3.1 Install Docker: from Docker's own repository, as in the guide, or from the distribution."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import ask
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.packages import install
from deployer.text.shell import lines, quote, sh
from deployer.text.versions import at_least

TITLE = "3.1 Install Docker"

DOCKER_OWN = ("docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin")
DEBIAN = ("docker.io", "docker-cli", "docker-buildx", "docker-compose")
UBUNTU = ("docker.io", "docker-buildx", "docker-compose-v2")

MINIMUM = {"engine": "24.0", "compose": "2.20"}
"""The guide's software requirements."""

_KEYRING = PurePosixPath("/etc/apt/keyrings/docker.asc")
_SOURCES = PurePosixPath("/etc/apt/sources.list.d/docker.list")

# The daemon that runs answers faster than the program that would start it.
_INSTALLED = "dockerd --version | sed 's/.*version \\([^,]*\\),.*/\\1/'"
_ENGINE = f"""\
command -v dockerd >/dev/null || exit 0
docker version --format '{{{{.Server.Version}}}}' 2>/dev/null && exit
{_INSTALLED}"""
# `docker compose` looks at all plugins before it starts this one.
_COMPOSE = """\
command -v docker >/dev/null || exit 0
for directory in /usr/local/lib /usr/local/libexec /usr/lib /usr/libexec; do
  plugin=$directory/docker/cli-plugins/docker-compose
  if [ -x "$plugin" ]; then "$plugin" version --short 2>/dev/null || true; exit; fi
done
docker compose version --short 2>/dev/null || true"""


def probes(host: Inventory) -> Probes:
    return {
        "os": Ask("cat /etc/os-release"),
        "architecture": Ask("dpkg --print-architecture"),
        "engine": ask(host, "engine", _INSTALLED, otherwise=_ENGINE),
        "compose": ask(host, "compose", _COMPOSE, otherwise=_COMPOSE),
        "key": Ask(f"test -s {_KEYRING} && echo present; true"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    if not (facts["engine"] and facts["compose"]):
        yield from _install(host, facts)
    else:
        _refuse_old(facts)


def _install(host: Inventory, facts: Facts) -> Plan:
    release = {key: value.strip('"') for key, value in facts.pairs("os").items()}
    if host.docker.packages == "distribution":
        _refuse_old_distribution(release)
        yield install(UBUNTU if release["ID"] == "ubuntu" else DEBIAN)
        return
    key_url = host.docker.apt_key or f"https://download.docker.com/linux/{release['ID']}/gpg"
    if not facts["key"]:
        yield Script(f"fetch Docker's signing key from {key_url}", _fetch(key_url))
    yield Script(f"write {_SOURCES}", _write_source(host, facts, release))
    yield install(DOCKER_OWN)


def _fetch(url: str) -> str:
    new = f"{_KEYRING}.new"
    return lines(
        sh("install", "-d", "-m", "0755", _KEYRING.parent),
        sh("curl", "-fsSL", "--retry", 3, "--max-time", 60, "-o", new, "--", url),
        f"grep -q 'BEGIN PGP PUBLIC KEY BLOCK' {new} || {{ echo 'the download is not an OpenPGP key'; exit 1; }}",
        sh("mv", new, _KEYRING),
    )


def _write_source(host: Inventory, facts: Facts, release: dict[str, str]) -> str:
    repository = host.docker.apt_repository or f"https://download.docker.com/linux/{release['ID']}"
    entry = f"deb [arch={facts['architecture']} signed-by={_KEYRING}] {repository} {release['VERSION_CODENAME']} stable"
    text = f"# managed by deployer: changes are overwritten\n{entry}\n"
    return lines(f"printf %s {quote(text)} >{_SOURCES}.new", sh("mv", f"{_SOURCES}.new", _SOURCES))


def _refuse_old_distribution(release: dict[str, str]) -> None:
    if (release["ID"], release["VERSION_ID"]) in {("debian", "12")}:
        raise Stop(
            Note(
                "Debian 12 packages Docker 20.10; the guide requires 24.0",
                'set [docker] packages = "docker" in the inventory',
            )
        )


def _refuse_old(facts: Facts) -> None:
    old = tuple(_old(facts))
    if old:
        raise Stop(*old)


def _old(facts: Facts) -> Iterator[Note]:
    for part, minimum in MINIMUM.items():
        if not at_least(facts[part], minimum):
            yield Note(
                f"Docker {part} {facts[part]} is installed; the guide requires {minimum}",
                "upgrade Docker on the host (this restarts its containers), then run this command again",
            )
