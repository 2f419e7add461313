"""New files of the proxy's configuration are tested in a copy: what nginx is given to read, and what becomes of it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.remote.certificate import pair
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from deployer.remote.proxy_verbs import proxy
from tests.unit.remote.conftest import FakeDocker


@dataclass
class Nginx:
    """Answers `docker run`: it keeps what it finds in the directory that it is given."""

    result: Result = field(default_factory=lambda: Result(0, b""))
    has_image: bool = True
    found: dict[str, str] = field(default_factory=dict)
    tree: Path = Path()

    def answer(self, words: tuple[str, ...]) -> Result | None:
        if words[:2] == ("image", "inspect"):
            return Result(0 if self.has_image else 1, b"")
        if words[0] != "run":
            return None
        mounted = re.search(r"-v (\S+):/etc/nginx/deployer:ro ", " ".join(words))
        assert mounted
        assert "--network=none" in words
        self.tree = Path(mounted[1])
        files = (path for path in sorted(self.tree.rglob("*")) if path.is_file())
        self.found = {str(path.relative_to(self.tree)): path.read_text() for path in files}
        return self.result


@pytest.fixture
def nginx(docker: FakeDocker) -> Nginx:
    made = Nginx()
    docker.answer = made.answer
    return made


@pytest.fixture
def staged(host: Host, tmp_path: Path) -> Path:
    """A new configuration of the site, on a host that has one."""
    conf_d = host.config.nginx / "conf.d"
    conf_d.mkdir()
    for path in (host.config.nginx / "nginx.conf", conf_d / "site.conf", conf_d / "site.upstreams"):
        path.write_text("present")
    new = tmp_path / "staged" / conf_d.relative_to("/") / "site.conf"
    new.parent.mkdir(parents=True)
    new.write_text("new")
    return tmp_path / "staged"


def test_new_files_among_the_present_ones(host: Host, nginx: Nginx, staged: Path) -> None:
    """Without a certificate there is one for the test; afterwards nothing of the copy is left."""
    proxy(host, ["check", str(staged)])
    certificate, key = (nginx.found.pop(f"ssl/{name}") for name in ("fullchain.pem", "privkey.pem"))
    assert certificate.startswith("-----BEGIN CERTIFICATE")
    assert key.startswith("-----BEGIN PRIVATE KEY")
    assert nginx.found == {"conf.d/site.conf": "new", "conf.d/site.upstreams": "present", "nginx.conf": "present"}
    assert not nginx.tree.exists()
    assert not any((host.config.nginx / "ssl").iterdir())


def test_with_the_certificate_in_place(host: Host, nginx: Nginx, staged: Path) -> None:
    """The one that visitors get is a part of the test."""
    pair.make_self_signed(host, pair.installed(host))
    proxy(host, ["check", str(staged)])
    assert nginx.found["ssl/fullchain.pem"] == pair.installed(host).certificate.read_text()


def test_first_files(host: Host, nginx: Nginx, tmp_path: Path) -> None:
    """A host that has none of the others yet is no failure."""
    proxy(host, ["check", str(tmp_path / "staged")])
    assert set(nginx.found) == {"ssl/fullchain.pem", "ssl/privkey.pem"}


def test_refused(host: Host, nginx: Nginx, staged: Path) -> None:
    """What nginx prints is the reason; the copy is removed as well."""
    nginx.result = Result(1, b"", b'nginx: [emerg] unknown directive "x"\n')
    with pytest.raises(Failure, match=r"refuses nginx.conf:\nnginx: \[emerg\] unknown directive"):
        proxy(host, ["check", str(staged)])
    assert not nginx.tree.exists()


def test_cannot_be_copied(host: Host, nginx: Nginx, staged: Path) -> None:
    """A link to nothing in place of the site's own file is a failure by name, and no fault of the program."""
    (host.config.nginx / "nginx.conf").unlink()
    (host.config.nginx / "nginx.conf").mkdir()
    with pytest.raises(Failure, match=r"could not be copied for its test: .*nginx.conf"):
        proxy(host, ["check", str(staged)])


def test_the_image_is_pulled(host: Host, nginx: Nginx, docker: FakeDocker, staged: Path) -> None:
    """The first time, with a longer limit than a test has."""
    nginx.has_image = False
    proxy(host, ["check", str(staged)])
    assert ("pull", "--quiet", host.config.proxy_image) in docker.calls
