"""Docker from Docker's own repository, as the guide installs it, on a host that says it is Ubuntu 24.04."""

from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.docker_packages import ensure_docker_repository
from testbed.origin import Repository
from testbed.variants import Variant
from tests.host.conftest import Boot
from tests.support.tool import deployment

pytestmark = pytest.mark.in_turn

UBUNTU = {
    "ID": "ubuntu",
    "VERSION_ID": "24.04",
    "VERSION_CODENAME": "noble",
    "PRETTY_NAME": "Ubuntu 24.04.3 LTS",
}


def test_dockers_own_packages_on_ubuntu(boot: Boot, bed: Bed, repository: Repository, tmp_path: Path) -> None:
    """Key, keyring, source entry and packages are the guide's; no docker.io is left; a second run does nothing."""
    packages = ensure_docker_repository(bed.apt_cache.url)
    host = boot("ubuntu", Variant(os_release=UBUNTU))
    docker = (
        f'packages = "docker"\napt_repository = "{packages.apt_repository("ubuntu")}"\n'
        f'apt_key = "{packages.apt_key("ubuntu")}"\n'
        f"registry_mirrors = {list(bed.registry.mirrors)}\ninsecure_registries = {list(bed.registry.insecure)}"
    )
    ubuntu = deployment(tmp_path / "inventory", host, bed, repository, docker=docker)
    foreseen = ubuntu.ok("provision", "--dry-run")
    done = ubuntu.ok("provision")
    assert done.whys("changed") == foreseen.whys("would change")
    installed = host.exec("dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n'").stdout
    assert {"ii  docker-ce", "ii  docker-compose-plugin"} <= set(installed.splitlines())
    assert "ii  docker.io" not in installed
    entry = host.exec("cat /etc/apt/sources.list.d/docker.list").stdout
    assert "signed-by=/etc/apt/keyrings/docker.asc" in entry
    assert "noble stable" in entry
    assert ubuntu.ok("provision").recap["changed"] == 0
