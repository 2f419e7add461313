"""A host whose release serves, with a backup of it, after which its records and its secrets have changed."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deployer.remote.backup import existing, make, settled
from deployer.remote.host import Host
from deployer.remote.release import kept
from deployer.remote.restore import swap, untrusted, verbs
from deployer.remote.restore.journal import Journal
from deployer.remote.restore.recover import recover, undoing
from deployer.remote.restore.swap_in import swap_in
from deployer.remote.restore.wanted import Wanted
from tests.unit.remote.backup.conftest import FakeTimers
from tests.unit.remote.release.conftest import SERVICES, Deployed, deployed
from tests.unit.remote.release.site import PORT

__all__ = ["deployed"]

ALL = ("data", "config", "ssl", "database")
OLD, NEW = {"data/records": "one\n", "logs/app.log": "x"}, {"data/records": "one\ntwo\n", "data/later": "more"}


@dataclass
class Restoring:
    """The host, what Docker keeps, and the backup."""

    deployed: Deployed
    backup: Path

    @property
    def host(self) -> Host:
        return self.deployed.host

    @property
    def root(self) -> Path:
        return self.host.config.root_directory

    @property
    def journal(self) -> Journal:
        return Journal.of(self.host.config)

    def wanted(self, *kinds: str, version: str = "1") -> Wanted:
        services = SERVICES.format(port=PORT, overlap="yes", version=version)
        return Wanted(self.backup.name, kinds or ALL, services, {})

    def unpack(self, *kinds: str, version: str = "1") -> None:
        verbs.restore(self.host, ("unpack", self.wanted(*kinds, version=version).text))

    def swap(self) -> None:
        with undoing(self.host) as journal:
            swap_in(self.host, journal)

    def recover(self) -> None:
        with undoing(self.host) as journal:
            recover(self.host, journal)

    @property
    def files(self) -> dict[str, str]:
        """What the application wrote, and its environment."""
        paths = [path for name in ("data", "logs", ".env") for path in (self.root / name, *self.root.glob(f"{name}/*"))]
        return {str(path.relative_to(self.root)): path.read_text() for path in sorted(paths) if path.is_file()}

    @property
    def left(self) -> list[str]:
        """What a restore must not leave."""
        paths = (self.journal.directory, self.host.config.nginx / "maintenance")
        return [str(path) for path in paths if path.exists()]


def write(root: Path, contents: dict[str, str]) -> None:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def restoring(deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restoring]:
    """Release 1 serves; its backup has the records and the secret of then."""
    if shutil.which("zstd") is None:
        pytest.skip("zstd is needed")
    for module in (settled, swap):
        monkeypatch.setattr(module, "CERTBOT", tmp_path / "etc")
    monkeypatch.setattr(untrusted, "LIVE", tmp_path / "etc" / "letsencrypt" / "live")
    host = replace(deployed.host, timers=FakeTimers())
    deployed.host = host
    deployed.site.images = {"backend": "app-backend:1", "wallet": "app-wallet:1"}
    for image in ("1", "2"):
        with (host.config.state / "backend.user").open("a") as users:
            users.write(f"sha256:app-backend:{image} 1234:1234\n")
    write(host.config.root_directory, OLD)
    kept.directory(host).joinpath("first", "assets").mkdir()
    (host.config.nginx / "assets").mkdir()
    make.make(host)
    made = Restoring(deployed, existing.complete(host.config)[-1])
    write(host.config.root_directory, {**NEW, ".env": f"A=0\nAPI_SECRET_KEY={'n' * 40}\n"})
    yield made
