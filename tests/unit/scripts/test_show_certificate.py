"""show_certificate.sh with the real openssl: what a host shows of a certificate and its key."""

import hashlib
import shutil
from pathlib import Path, PurePosixPath

import pytest

from deployer.certificates.pair import Pair, ask_pairs, pair, source
from deployer.engine.facts import Facts
from deployer.inventory.model import Inventory
from deployer.remote.certificate import pair as remote
from deployer.remote.host import Host
from tests.support.fakes import asked_here, inventory
from tests.unit.remote.conftest import config


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The directory of the source, with a self-signed pair for 365 days."""
    directory = Path(source(host_in(tmp_path)))
    directory.mkdir(parents=True)
    remote.make_self_signed(Host(config(tmp_path)), remote.Pair.below(directory))
    return directory


def host_in(root: Path) -> Inventory:
    return inventory(tls={"mode": "self-signed"}).model_copy(update={"root": PurePosixPath(root)})


def facts(directory: Path, days: int = 30) -> Facts:
    return asked_here(ask_pairs(host_in(directory.parents[1]), days))


def shown(directory: Path, days: int = 30) -> Pair:
    return pair(facts(directory, days), "source")


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_nothing_there(tmp_path: Path) -> None:
    """No certificate: an empty answer."""
    assert shown(tmp_path / "state" / "tls") == Pair()


def test_a_pair(made: Path) -> None:
    """Both digests, all names; it lasts, and the key is its own."""
    names = frozenset({"example.com", "api.example.com"})
    digests = [digest(made / name) for name in ("fullchain.pem", "privkey.pem")]
    assert shown(made) == Pair(digests[0], digests[1], names, lasts=True, belongs=True)
    assert shown(made, 364).lasts
    assert not shown(made, 366).lasts


def test_a_key_of_another_certificate(made: Path, tmp_path: Path) -> None:
    """It does not belong to it; a key that cannot be read does not either."""
    key = (made / "privkey.pem").read_text()
    remote.make_self_signed(Host(config(tmp_path)), remote.Pair.below(made))
    (made / "privkey.pem").write_text(key)
    assert (shown(made).belongs, shown(made).lasts) == (False, True)
    (made / "privkey.pem").write_text("")
    assert not shown(made).belongs


def test_what_is_no_certificate(made: Path) -> None:
    """It has no names and does not last; the digests show that it is another file."""
    (made / "fullchain.pem").write_text("nothing")
    assert shown(made) == Pair(digest(made / "fullchain.pem"), digest(made / "privkey.pem"))


def test_installed(made: Path, tmp_path: Path) -> None:
    """An equal pair is examined once; another one, and one that does not last long enough, for itself."""
    ssl = tmp_path / "nginx" / "ssl"
    assert pair(facts(made), "installed") == Pair()
    shutil.copytree(made, ssl)
    assert pair(facts(made), "installed") == shown(made)
    assert not shown(made, 366).lasts
    assert pair(facts(made, 366), "installed").lasts
    (ssl / "privkey.pem").write_text("")
    found = pair(facts(made), "installed")
    assert (found.certificate, found.lasts, found.belongs) == (digest(made / "fullchain.pem"), True, False)
    shutil.rmtree(made)
    assert pair(facts(made), "installed") == found
