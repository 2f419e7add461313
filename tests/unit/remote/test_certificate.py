"""Certificates on the host: made with the real openssl, installed, renewed; what an authority refuses is explained."""

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.remote import proxy
from deployer.remote.certificate import authority, pair, verbs
from deployer.remote.certificate.pair import Pair
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result, run
from tests.unit.remote.conftest import FakeDocker, config


@pytest.fixture
def made(host: Host) -> Pair:
    """The tool's own pair."""
    pair.make_self_signed(host, pair.own(host))
    return pair.own(host)


def names_in(certificate: Path) -> str:
    return run("openssl", "x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName", limit=10).text


def test_self_signed(made: Pair) -> None:
    """For all names, for the guide's year, with a key that nobody else can read and that is the certificate's."""
    assert "DNS:example.com, DNS:api.example.com" in names_in(made.certificate)
    assert pair.lasts(made.certificate, 364)
    assert not pair.lasts(made.certificate, 366)
    assert made.key.stat().st_mode & 0o7777 == 0o600
    pair.check_key(made)
    assert sorted(path.name for path in made.key.parent.iterdir()) == ["fullchain.pem", "privkey.pem"]


class TestInstall:
    def test_installed(self, host: Host, made: Pair) -> None:
        """As a copy with the guide's modes."""
        pair.install(host, made)
        target = pair.installed(host)
        assert target.contents == made.contents
        assert [path.stat().st_mode & 0o7777 for path in (target.certificate, target.key)] == [0o644, 0o600]

    def test_a_key_of_another_certificate(self, host: Host, made: Pair) -> None:
        """It is refused before anything is touched."""
        pair.install(host, made)
        before = pair.installed(host).contents
        key = made.key.read_bytes()
        pair.make_self_signed(host, made)
        made.key.write_bytes(key)
        with pytest.raises(Failure, match="does not belong to the certificate"):
            pair.install(host, made)
        assert pair.installed(host).contents == before

    def test_a_proxy_that_does_not_take_it(
        self, host: Host, made: Pair, docker: FakeDocker, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The previous pair is put back; no new file is left."""
        pair.install(host, made)
        before = pair.installed(host).contents
        pair.make_self_signed(host, made)
        docker.outputs = {"ps": "proxy\n"}
        docker.answer = lambda words: Result(1, b"nginx: [emerg] broken\n") if words[0] == "exec" else None
        with pytest.raises(Failure, match="broken"):
            pair.install(host, made)
        assert "putting the previous one back" in capsys.readouterr().out
        assert pair.installed(host).contents == before
        assert len(list((host.config.nginx / "ssl").iterdir())) == 2

    def test_nowhere_to_write(self, host: Host, made: Pair) -> None:
        """The directory is gone: a Failure that names the file."""
        (host.config.nginx / "ssl").rmdir()
        with pytest.raises(Failure, match=r"privkey.pem.* could not be written: No such file or directory"):
            pair.install(host, made)


class TestProxy:
    def test_new_workers(self, host: Host, docker: FakeDocker) -> None:
        """The reload is proved by a worker that was not there before, and its time is recorded."""
        docker.outputs = {"ps": "proxy\n"}
        workers = iter(["PID COMMAND\n7 nginx: worker process\n", "PID COMMAND\n8 nginx: worker process\n"])
        docker.answer = lambda words: Result(0, next(workers).encode()) if words[0] == "top" else None
        proxy.reload(host)
        assert [words[3] for words in docker.calls if words[0] == "exec"] == ["-t", "-s"]
        assert (host.config.state / "proxy.loaded").exists()

    def test_it_keeps_the_old_ones(self, host: Host, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Failure with the end of its log, and the time of the former reload stays."""
        monkeypatch.setattr(proxy, "RELOAD_SECONDS", 0.0)
        (host.config.nginx / "logs" / "error.log").write_text("unknown directive\n")
        docker.outputs = {"ps": "proxy\n", "top": "PID COMMAND\n7 nginx: worker process\n"}
        with pytest.raises(Failure, match="did not load its new configuration:\nunknown directive"):
            proxy.reload(host)
        assert not (host.config.state / "proxy.loaded").exists()

    def test_none_runs(self, host: Host, docker: FakeDocker, made: Pair) -> None:
        """Nothing is to be reloaded, and nothing to be waited for."""
        proxy.reload(host)
        assert proxy.await_served(host, made.certificate)
        assert {words[0] for words in docker.calls} == {"ps"}


class TestRenewal:
    def test_not_due(self, host: Host, made: Pair) -> None:
        """A certificate that lasts is left alone; forced, it is made anew and installed."""
        before = made.contents
        verbs.renew(host, [])
        assert made.contents == before
        verbs.renew(host, ["--force"])
        assert made.contents != before
        assert pair.installed(host).contents == made.contents

    def test_provided(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        """The operator's own is not touched, and the way to renew it is shown."""
        verbs.renew(Host(config(host.config.root_directory, "provided"), host.docker), ["--force"])
        assert "then run deployer provision" in capsys.readouterr().out

    def test_an_action_that_is_not_there(self, host: Host) -> None:
        """Exit code 2 and the actions that there are."""
        with pytest.raises(Failure, match=r"usage: certificate make\|") as failure:
            verbs.certificate(host, ["nothing"])
        assert failure.value.exit_code == 2

    @pytest.mark.parametrize(
        ("printed", "explained"),
        [
            ("urn:ietf:params:acme:error:rateLimited :: too many certificates", "its rate limit is reached"),
            ("DNS problem: NXDOMAIN looking up A", "check the A records of example.com api.example.com"),
            ("  Domain: api.example.com\n  Detail: could not resolve URL", "check the A records of api.example.com"),
            (
                "  Domain: example.com\n  Type:   connection\n  Detail: Connection refused",
                "cannot reach port 80 under example.com:",
            ),
            ("HTTPSConnectionPool: Max retries exceeded", "cannot be reached from this host"),
            ("urn:ietf:params:acme:error:unauthorized: Invalid response", "reached another server"),
            ("something else", ""),
        ],
    )
    def test_refusals_are_explained(self, host: Host, printed: str, explained: str) -> None:
        """What the authority's answer means, with the names that it is about."""
        assert explained in authority.explanation(host, printed)
        assert bool(authority.explanation(host, printed)) is bool(explained)


class TestCertbot:
    @pytest.fixture
    def certbot(self, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A certbot that counts its calls; a test writes what else it does."""
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path / "certbot"

    def write(self, certbot: Path, does: str) -> Path:
        count = certbot.with_name("count")
        certbot.write_text(f"#!/bin/sh\necho x >>{count}\n{does}\n")
        certbot.chmod(0o755)
        return count

    def test_bad_nonces(self, host: Host, certbot: Path) -> None:
        """The authority is asked again, five times at most."""
        count = self.write(certbot, f"[ $(wc -l <{certbot.with_name('count')}) -ge 3 ] || {{ echo badNonce; exit 1; }}")
        authority.obtain(host, force=False)
        assert count.read_text() == "x\n" * 3
        count.unlink()
        self.write(certbot, "echo badNonce; exit 1")
        with pytest.raises(Failure, match="badNonce"):
            authority.obtain(host, force=False)
        assert count.read_text() == "x\n" * 5

    def test_refused(self, host: Host, certbot: Path) -> None:
        """certbot's last lines, and what they mean."""
        self.write(certbot, "echo rateLimited; exit 1")
        with pytest.raises(Failure, match=r"rateLimited\nthe CA refuses for now"):
            authority.obtain(host, force=True)

    def test_its_words(self, host: Host, certbot: Path) -> None:
        """All names, the settings of the inventory, the CA's own certificate; forced only where that is asked for."""
        self.write(certbot, f'echo "$REQUESTS_CA_BUNDLE $*" >{certbot}.words')
        wanted = replace(host.config.certificate, authority="/ca.pem", server="https://ca", email="a@b.c")
        authority.obtain(Host(replace(host.config, certificate=wanted), host.docker), force=True)
        words = certbot.with_name("certbot.words").read_text()
        assert words.startswith("/ca.pem certonly --webroot -w ")
        assert "-d example.com -d api.example.com --email a@b.c" in words
        assert words.endswith("--force-renewal --non-interactive --server https://ca\n")
