"""5. SSL/TLS certificates."""

import hashlib
from pathlib import Path

import pytest

from deployer.engine.changes import WriteFiles
from deployer.engine.host_program import settings_of
from deployer.inventory.model import Inventory
from deployer.site.compose import PROXY
from deployer.steps import certificates
from tests.support.fakes import inventory, planned, script_of, whys

from .hosts import all_containers, container, converged, drifted, fresh, pair

LETSENCRYPT = inventory()
SELF_SIGNED = inventory(tls={"mode": "self-signed"})
OBTAIN = "obtain a certificate for example.com, api.example.com from https://acme-v02.api.letsencrypt.org/directory"
INSTALL = "install the certificate for nginx (a different one is installed)"
PLACEHOLDER = "install a placeholder certificate, so that nginx can start and answer the CA"
MAKE = "make a self-signed certificate for example.com, api.example.com"
START = "start the proxy"


def without_proxy(host: Inventory, left: str = "") -> str:
    return all_containers(host).replace(container(host, PROXY), left)


class TestLetsEncrypt:
    @pytest.mark.parametrize(
        "source",
        [
            "",
            pair(LETSENCRYPT, names="example.com"),
            pair(LETSENCRYPT, names="example.com,api.example.com,old.example.com"),
            pair(LETSENCRYPT, without="lasts"),
            pair(LETSENCRYPT, without="pair"),
        ],
    )
    def test_not_usable(self, source: str) -> None:
        """None, one of other names, one that ends, one without its key: a new one, through the proxy that runs."""
        assert drifted(certificates, LETSENCRYPT, source=source) == [OBTAIN]

    def test_another_ca(self) -> None:
        """The certificate of a rehearsal lasts: certbot would keep it, so it is told not to."""
        answers = {**converged(certificates, LETSENCRYPT), "server": "https://staging.example.com/directory"}
        (change,) = planned(certificates, LETSENCRYPT, answers)
        assert whys([change]) == [OBTAIN]
        assert script_of(change).endswith("remote.pyz certificate obtain --force")

    def test_unknown_ca(self) -> None:
        """Where certbot's settings are lost, what serves is left alone until it ends."""
        assert drifted(certificates, LETSENCRYPT, server="") == []

    def test_another_one_is_in_place(self) -> None:
        """A renewed certificate that was not copied is installed (F13)."""
        assert drifted(certificates, LETSENCRYPT, installed=pair(LETSENCRYPT, certificate="old")) == [INSTALL]

    def test_copy_is_gone(self) -> None:
        """A copy that was deleted is made again."""
        assert drifted(certificates, LETSENCRYPT, installed="", modes="") == ["install the certificate for nginx"]

    def test_first_time(self) -> None:
        """Placeholder, proxy, certificate: nothing is stopped for the CA (F12)."""
        found = whys(planned(certificates, LETSENCRYPT, {**fresh(certificates, LETSENCRYPT), "timer": "masked"}))
        assert found[1:] == [PLACEHOLDER, START, OBTAIN]

    def test_placeholder_is_there(self) -> None:
        """A first issue that failed (the CA was away) is taken up where it stopped."""
        answers = {"source": "", "installed": pair(LETSENCRYPT, certificate="placeholder")}
        assert drifted(certificates, LETSENCRYPT, **answers) == [OBTAIN]

    @pytest.mark.parametrize("state", ["enabled", "disabled", ""])
    def test_one_scheduler_only(self, state: str) -> None:
        """certbot's own timer knows neither the CA's settings nor the proxy: it is masked."""
        assert drifted(certificates, LETSENCRYPT, timer=state) == [
            "mask certbot.timer (this tool renews, with the CA's settings)"
        ]

    def test_own_ca(self, tmp_path: Path) -> None:
        """A CA of one's own is trusted by certbot through a file that is copied to the host."""
        (tmp_path / "ca.pem").write_text("PEM")
        tls = {"acme_server": "https://ca.example.com/dir", "acme_ca": "ca.pem"}
        host = inventory(directory=tmp_path, tls=tls)
        assert planned(certificates, host, converged(certificates, host)) == ()
        found = planned(certificates, host, fresh(certificates, host))
        (copied,) = [
            file
            for change in found
            if isinstance(change, WriteFiles)
            for file in change.files
            if b"PEM" in file.content
        ]
        assert str(copied.path) == settings_of(host).certificate.authority


class TestSelfSigned:
    def test_absent(self) -> None:
        """Made, installed, and nginx is started with it."""
        found = whys(planned(certificates, SELF_SIGNED, fresh(certificates, SELF_SIGNED)))
        assert found[1:] == [MAKE, "install the certificate for nginx", START]

    def test_timer_is_none_of_our_business(self) -> None:
        """certbot is not used."""
        assert drifted(certificates, SELF_SIGNED, timer="enabled") == []

    @pytest.mark.parametrize("source", [pair(SELF_SIGNED, without="lasts"), pair(SELF_SIGNED, names="example.com")])
    def test_not_usable(self, source: str) -> None:
        """One that ends within 30 days, or one of other names, is made anew."""
        assert drifted(certificates, SELF_SIGNED, source=source) == [MAKE, INSTALL]


class TestProvided:
    @pytest.fixture
    def host(self, tmp_path: Path) -> Inventory:
        (tmp_path / "chain.pem").write_text("CHAIN")
        (tmp_path / "key.pem").write_text("KEY")
        return inventory(
            directory=tmp_path, tls={"mode": "provided", "certificate": "chain.pem", "private_key": "key.pem"}
        )

    def told(self, host: Inventory) -> dict[str, str]:
        digests = {name: hashlib.sha256(name.upper().encode()).hexdigest() for name in ("chain", "key")}
        installed = pair(host, certificate=digests["chain"], key=digests["key"])
        return {**converged(certificates, host), "installed": installed}

    def test_in_place(self, host: Inventory) -> None:
        """What nginx reads is what lies on the operator's machine: nothing to do."""
        assert planned(certificates, host, self.told(host)) == ()

    def test_replaced(self, host: Inventory) -> None:
        """A new file on the operator's machine is installed."""
        answers = {**self.told(host), "installed": pair(host)}
        assert whys(planned(certificates, host, answers)) == [INSTALL]

    def test_absent(self, host: Inventory) -> None:
        """The key travels with mode 0600 and is in no difference."""
        found = planned(certificates, host, fresh(certificates, host))
        assert isinstance(found[0], WriteFiles)
        assert found[0].diff == ""
        assert {file.path.name: file.mode for file in found[0].files}["privkey.pem"] == 0o600
        assert whys(found)[1:] == ["install the certificate for nginx", START]


class TestProxy:
    @pytest.mark.parametrize("state", ["exited", "created", "dead"])
    def test_stopped(self, state: str) -> None:
        """A proxy that does not run is started, and what is left of the old one removed."""
        told = without_proxy(LETSENCRYPT, container(LETSENCRYPT, PROXY, state=state))
        answers = {**converged(certificates, LETSENCRYPT), "containers": told}
        (change,) = planned(certificates, LETSENCRYPT, answers)
        assert whys([change]) == [START]
        assert "docker rm -f biometric-did-nginx-1" in script_of(change)

    def test_absent(self) -> None:
        """It alone is started: no other container is touched."""
        answers = {**converged(certificates, LETSENCRYPT), "containers": without_proxy(LETSENCRYPT)}
        (change,) = planned(certificates, LETSENCRYPT, answers)
        assert "up -d --no-deps --no-build nginx" in script_of(change)

    def test_other_settings(self) -> None:
        """It is replaced in the end, after everything else, by a step of its own."""
        told = without_proxy(LETSENCRYPT, container(LETSENCRYPT, PROXY, config="other"))
        assert drifted(certificates, LETSENCRYPT, containers=told) == []

    def test_serves_an_older_certificate(self) -> None:
        """A run that was broken off before the reload is completed."""
        assert drifted(certificates, LETSENCRYPT, loaded="configuration=loaded\ncertificate=stale\n") == [
            "reload the proxy, which serves an older certificate"
        ]


@pytest.mark.parametrize("modes", ["644 root:root\n640 root:root\n", "644 root:root\n600 deploy:deploy\n"])
def test_readable_key(modes: str) -> None:
    """The guide's modes are kept: 644 and 600, root's."""
    (why,) = drifted(certificates, LETSENCRYPT, modes=modes)
    assert why.startswith("set the modes of ")


def test_renewal_program_changed() -> None:
    """What cron runs is compared like any file."""
    assert drifted(certificates, LETSENCRYPT, renew="") == ["write /opt/biometric-did/.deployer/bin/renew (absent)"]
