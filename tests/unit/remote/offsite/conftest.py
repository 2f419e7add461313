"""A host with a repository in a directory of this machine, and the real restic."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployer.remote.host import Host
from deployer.remote.offsite import snapshots
from deployer.remote.offsite.push import push
from deployer.remote.offsite.restic import Restic
from deployer.remote.offsite.snapshots import Snapshot
from tests.unit.remote.backup.directories import make
from tests.unit.remote.conftest import FakeDocker, config

PASSWORD = "open-sesame-0815"
FIRST = "biometric-did_20260101_030405"
RESTIC = shutil.which("restic") or ""


def credentials(repository: str | Path, password: str = PASSWORD) -> bytes:
    return f"RESTIC_REPOSITORY={repository}\nRESTIC_PASSWORD={password}\n".encode()


@dataclass(frozen=True)
class Site:
    """A host, and the directory that is its repository."""

    host: Host
    repository: Path

    def supply(self, repository: str | Path, password: str = PASSWORD) -> None:
        self.env.write_bytes(credentials(repository, password))

    @property
    def env(self) -> Path:
        return self.host.config.state / "offsite.env"

    @property
    def backups(self) -> Path:
        return self.host.config.backups

    @property
    def there(self) -> dict[str, Snapshot]:
        return snapshots.listed(self.host, Restic.of(self.host))

    def backup(self, day: int) -> str:
        """One that is complete, of this day of January."""
        return make(self.backups, f"biometric-did_202601{day:02}_030405").name


@pytest.fixture
def site(host: Host, tmp_path: Path) -> Site:
    """Its credentials are installed; the repository is not made yet."""
    return supplied(host, tmp_path)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with FIRST in its repository, which takes seconds to make."""
    directory = tmp_path_factory.mktemp("template")
    host = Host(config(directory / "root"), FakeDocker())
    host.config.state.mkdir(parents=True)
    made = supplied(host, directory)
    assert made.backup(1) == FIRST
    push(host)
    return made


@pytest.fixture
def pushed(site: Site, template: Site) -> Site:
    """A site with FIRST in its directory of backups and in its repository."""
    for source, target in (
        (template.repository, site.repository),
        (template.backups, site.backups),
        (template.host.config.offsite, site.host.config.offsite),
    ):
        shutil.copytree(source, target)
    (site.host.config.offsite / "known").write_text(f"{site.repository}\n")
    return site


def supplied(host: Host, directory: Path) -> Site:
    if not RESTIC:
        pytest.skip("restic is not here")
    made = Site(host, directory / "repository")
    made.supply(made.repository)
    return made


def replace_restic(directory: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A script in front of the real restic, which it calls as `real`; it keeps its arguments in `argv`."""
    program = directory / "bin" / "restic"
    program.parent.mkdir(exist_ok=True)
    argv = f'printf "%s\\n" "$*" >>{directory}/argv'
    program.write_text(f'#!/bin/bash\nreal() {{ {RESTIC} "$@"; }}\n{argv}\n{text}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
