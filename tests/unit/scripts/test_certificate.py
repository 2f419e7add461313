"""certificate.sh and show_certificate.sh with real bash and openssl; no proxy runs here."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from deployer.certificates.scripts.certificate import certificate_functions
from deployer.engine.facts import Ask, Facts
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.text.shell import lines
from tests.support.fakes import IS_ROOT, asked_here, inventory, run_here

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")


@pytest.fixture
def host(tmp_path: Path) -> Inventory:
    host = inventory(tls={"mode": "self-signed"}).model_copy(update={"root": PurePosixPath(tmp_path / "root")})
    Path(host.paths.ssl).mkdir(parents=True)
    (tmp_path / "made").mkdir()
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "docker").chmod(0o755)
    return host


def act(host: Inventory, tmp_path: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """Run functions of certificate.sh; `docker` tells of no container."""
    return run_here(lines(f"PATH={tmp_path}:$PATH", certificate_functions(host), *commands))


def make(host: Inventory, tmp_path: Path, names: str = "DNS:example.com,DNS:api.example.com") -> Path:
    ran = act(host, tmp_path, f"make_self_signed {tmp_path}/made {names}")
    assert ran.returncode == 0, ran.stderr
    return tmp_path / "made"


def shown(directory: Path, days: int = 30) -> Facts:
    text = script(
        "certificates/scripts/show_certificate.sh",
        FILE=str(directory / "fullchain.pem"),
        KEY=str(directory / "privkey.pem"),
        DAYS=days,
    )
    return asked_here({"pair": Ask(text)})


def test_nothing_there(tmp_path: Path) -> None:
    """No certificate: an empty answer."""
    assert shown(tmp_path)["pair"] == ""


def test_self_signed(host: Inventory, tmp_path: Path) -> None:
    """Covers the names, lasts the guide's year, belongs to its key."""
    told = shown(make(host, tmp_path)).pairs("pair")
    assert told["names"] == "example.com,api.example.com"
    assert (told["lasts"], told["pair"]) == ("yes", "yes")
    assert "lasts" in shown(tmp_path / "made", 364).pairs("pair")
    assert "lasts" not in shown(tmp_path / "made", 366).pairs("pair")


def test_foreign_key(host: Inventory, tmp_path: Path) -> None:
    """A key of another certificate is seen."""
    made = make(host, tmp_path)
    key = (made / "privkey.pem").read_text()
    make(host, tmp_path)
    (made / "privkey.pem").write_text(key)
    assert "pair" not in shown(made).pairs("pair")


def test_key_is_private(host: Inventory, tmp_path: Path) -> None:
    """Nobody else can read it, at no moment."""
    made = make(host, tmp_path)
    assert (made / "privkey.pem").stat().st_mode & 0o077 == 0


class TestInstall:
    def test_installed(self, host: Inventory, tmp_path: Path) -> None:
        """As a copy with the guide's modes."""
        made = make(host, tmp_path)
        ran = act(host, tmp_path, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        for path, mode in ((host.paths.certificate, 0o644), (host.paths.private_key, 0o600)):
            assert Path(path).stat().st_mode & 0o7777 == mode
            assert Path(path).read_bytes() == (made / path.name).read_bytes()

    def test_what_does_not_belong_together(self, host: Inventory, tmp_path: Path) -> None:
        """It is refused before anything is touched."""
        made = make(host, tmp_path)
        act(host, tmp_path, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        before = Path(host.paths.certificate).read_bytes()
        (made / "privkey.pem").write_bytes(b"")
        ran = act(host, tmp_path, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        assert ran.returncode == 1
        assert "the key does not belong to the certificate" in ran.stdout
        assert Path(host.paths.certificate).read_bytes() == before

    def test_proxy_that_does_not_take_it(self, host: Inventory, tmp_path: Path) -> None:
        """The previous pair is put back, and served again."""
        made = make(host, tmp_path)
        act(host, tmp_path, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        before = Path(host.paths.certificate).read_bytes()
        make(host, tmp_path)
        refusing = "reload_proxy() { echo reload; return 1; }"
        ran = act(host, tmp_path, refusing, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        assert ran.returncode == 1
        assert "putting the previous one back" in ran.stdout
        assert Path(host.paths.certificate).read_bytes() == before
        assert sorted(path.name for path in Path(host.paths.ssl).iterdir()) == ["fullchain.pem", "privkey.pem"]

    @pytest.mark.parametrize("moves", [0, 1])
    def test_no_room(self, host: Inventory, tmp_path: Path, moves: int) -> None:
        """Writing or the second rename fails: the previous pair is complete, no half-written file or key is left."""
        made = make(host, tmp_path)
        act(host, tmp_path, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        before = {path.name: path.read_bytes() for path in Path(host.paths.ssl).iterdir()}
        make(host, tmp_path)
        (tmp_path / "elsewhere").mkdir()
        failing = (
            f"export TMPDIR={tmp_path}/elsewhere",
            f'moves=0; mv() {{ moves=$((moves + 1)); [ $moves != {moves + 1} ] && command mv "$@"; }}',
        )
        ran = act(host, tmp_path, *failing, f"install_certificate {made}/fullchain.pem {made}/privkey.pem")
        assert ran.returncode == 1
        assert "putting the previous one back" in ran.stdout
        assert {path.name: path.read_bytes() for path in Path(host.paths.ssl).iterdir()} == before
        assert list((tmp_path / "elsewhere").iterdir()) == []


class TestRenewal:
    def test_not_time_yet(self, host: Inventory, tmp_path: Path) -> None:
        """A certificate that lasts is left alone; forced, it is made anew and installed."""
        tls = Path(host.paths.state) / "tls"
        tls.mkdir(parents=True)
        act(host, tmp_path, f"make_self_signed {tls} DNS:example.com,DNS:api.example.com")
        before = (tls / "fullchain.pem").read_bytes()
        assert act(host, tmp_path, "renew ''").returncode == 0
        assert (tls / "fullchain.pem").read_bytes() == before
        assert act(host, tmp_path, "renew --force").returncode == 0
        assert (tls / "fullchain.pem").read_bytes() != before
        assert Path(host.paths.certificate).read_bytes() == (tls / "fullchain.pem").read_bytes()

    @pytest.mark.parametrize(
        ("said", "explained"),
        [
            ("urn:ietf:params:acme:error:rateLimited :: too many certificates", "its rate limit is reached"),
            (
                "DNS problem: NXDOMAIN looking up A for example.com",
                "check the A records of example.com api.example.com",
            ),
            ("  Domain: api.example.com\n  Detail: could not resolve URL", "check the A records of api.example.com"),
            (
                "  Domain: example.com\n  Type:   connection\n  Detail: 203.0.113.10: Connection refused",
                "the CA cannot reach port 80 under example.com:",
            ),
            ("HTTPSConnectionPool: Max retries exceeded", "cannot be reached from this host"),
            (
                "urn:ietf:params:acme:error:unauthorized: Invalid response from http://example.com",
                "reached another server",
            ),
        ],
    )
    def test_refusals_are_explained(self, host: Inventory, tmp_path: Path, said: str, explained: str) -> None:
        """What the CA says is shown, and what it means; the certificate in place stays."""
        (tmp_path / "certbot").write_text(f"#!/bin/sh\ncat <<'EOF'\n{said}\nEOF\nexit 1\n")
        (tmp_path / "certbot").chmod(0o755)
        ran = act(host, tmp_path, "ask_ca certonly || exit 1")
        assert ran.returncode == 1
        assert said in ran.stdout
        assert explained in ran.stdout

    def test_bad_nonces(self, host: Inventory, tmp_path: Path) -> None:
        """They are asked again, five times at most."""
        count = tmp_path / "count"
        (tmp_path / "certbot").write_text(
            f"#!/bin/sh\necho x >>{count}\n[ $(wc -l <{count}) -ge 3 ] || {{ echo 'badNonce'; exit 1; }}\n"
        )
        (tmp_path / "certbot").chmod(0o755)
        assert act(host, tmp_path, "ask_ca certonly || exit 1").returncode == 0
        count.unlink()
        (tmp_path / "certbot").write_text(f"#!/bin/sh\necho x >>{count}\necho badNonce\nexit 1\n")
        assert act(host, tmp_path, "ask_ca certonly || exit 1").returncode == 1
        assert count.read_text() == "x\n" * 5
