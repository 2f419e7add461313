"""The disk gets full at any file that is written: what was there is there, complete, and the next run succeeds."""

import sys
from io import BytesIO
from types import SimpleNamespace

import pytest

from deployer.remote.backup import existing, make
from deployer.remote.certificate import pair, verbs
from deployer.remote.environment.verbs import environment
from deployer.remote.host import Host
from deployer.remote.release.owners import give_directories, memory
from tests.unit.remote.backup.conftest import Site, site
from tests.unit.remote.conftest import FakeDocker
from tests.unit.remote.full_disk import MANNERS, READ_ONLY, failed_on

__all__ = ["site"]
EACH_MANNER = pytest.mark.parametrize("manner", MANNERS)


@EACH_MANNER
@pytest.mark.parametrize("files", range(5))
def test_renew(files: int, manner: str, host: Host) -> None:
    """The installed pair is the former one or the new one, never a key of another certificate."""
    verbs.renew(host, ("--force",))
    before = pair.installed(host).contents
    failed_on(host.config.root_directory, files, lambda: verbs.renew(host, ("--force",)), manner)
    pair.check_key(pair.installed(host))
    pair.check_key(pair.own(host))
    verbs.renew(host, ("--force",))
    assert pair.installed(host).contents != before
    left = [path.name for path in (host.config.nginx / "ssl").iterdir()]
    assert sorted(left) == ["fullchain.pem", "privkey.pem"]


@EACH_MANNER
@pytest.mark.parametrize("files", range(3))
def test_environment(files: int, manner: str, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret is lost, and none is half-written."""
    host.config.environment.write_text(f"A=1\nAPI_SECRET_KEY={'s' * 40}\n")
    before = host.config.environment.read_bytes()

    def write() -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(b"A=2\nAPI_SECRET_KEY=[secret]\n")))
        environment(host, ("write", "/none"))

    failure = failed_on(host.config.root_directory, files, write, manner)
    assert (host.config.environment.read_bytes() == before) is bool(failure)
    write()
    assert host.config.environment.read_text() == f"A=2\nAPI_SECRET_KEY={'s' * 40}\n"


@EACH_MANNER
@pytest.mark.parametrize("files", range(3))
def test_owner_of_the_directories(files: int, manner: str, host: Host, docker: FakeDocker) -> None:
    """What is remembered of images stays."""
    docker.outputs = {"image": "1234:1234"}
    memory(host).write_text("sha256:1 1:1\n")
    for name in ("data", "logs"):
        (host.config.root_directory / name).mkdir()
    failed_on(host.config.root_directory, files, lambda: give_directories(host, "app:2"), manner)
    give_directories(host, "app:2")
    assert memory(host).read_text() == "sha256:1 1:1\n1234:1234 1234:1234\n"


@EACH_MANNER
@pytest.mark.parametrize("files", [*range(12), 16, 20, 24])
def test_backup(files: int, manner: str, site: Site) -> None:
    """The former ones are complete, and nothing of the failed one is left once files can be removed again."""
    first = site.backup()
    failure = failed_on(site.directory.parent, files, lambda: make.make(site.host), manner)
    assert site.left_over == [] or manner == READ_ONLY
    assert existing.complete(site.host.config)[0] == first
    assert (len(existing.backups(site.host.config)) == 1) is bool(failure)
    assert site.backup() != first
    assert site.left_over == []
