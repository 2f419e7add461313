"""Certificates from a real ACME CA: first issue, no second one, a renewal under load, and a CA that refuses."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.host.authority import Authority, authority
from tests.host.bed.bed import Bed
from tests.host.bed.origin import Repository
from tests.host.tool import Deployment, Outcome, booted, deployment

DOMAIN = "wallet.example.test"
API = f"api.{DOMAIN}"
SERVED = (
    "openssl s_client -connect 127.0.0.1:443 -servername wallet.example.test </dev/null 2>/dev/null "
    "| openssl x509 -noout -fingerprint -sha256"
)


@dataclass(frozen=True)
class Site:
    """A host that gets its certificates from the test CA."""

    deployment: Deployment
    authority: Authority

    @property
    def served(self) -> str:
        """The fingerprint of what a visitor gets."""
        return self.deployment.host.exec(SERVED).stdout.strip()

    def edit(self, old: str, new: str) -> str:
        """Replace a text of the inventory; gives what stood there before."""
        file = self.deployment.inventory / "web.toml"
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))
        return before

    def restore(self, text: str) -> None:
        (self.deployment.inventory / "web.toml").write_text(text)


@pytest.fixture(scope="module")
def site(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A host with a self-signed certificate whose inventory now asks for the CA's."""
    directory = tmp_path_factory.mktemp("authority")
    with (
        authority(bed.gateway, directory) as ca,
        booted(bed, "letsencrypt", from_snapshot=provisioned_snapshot) as host,
    ):
        for name in (DOMAIN, API):
            ca.point(name, host.address)
        tls = f'mode = "letsencrypt"\nacme_server = "{ca.directory_url}"\nacme_ca = "{ca.bundle}"'
        names = f'domain = "{DOMAIN}"\nemail = "you@example.com"\nnameservers = ["{ca.nameserver}"]'
        yield Site(deployment(tmp_path_factory.mktemp("site"), host, bed, repository, tls=tls, site=names), ca)


def test_names_that_lead_elsewhere_stop_before_anything_changes(site: Site) -> None:
    """A wrong A record or an AAAA record that is not served: exit 1, said by name, nothing done."""
    site.authority.point(API, "192.0.2.7")
    site.authority.point_ipv6(DOMAIN, "2001:db8::7")
    try:
        refused = site.deployment.json("provision")
    finally:
        site.authority.point(API, site.deployment.host.address)
        site.authority.point_ipv6(DOMAIN, "")
    assert refused.exit_code == 1
    message = error(refused)
    assert f"{API} points to 192.0.2.7" in message
    assert f"{DOMAIN} has the IPv6 address 2001:db8::7" in message
    assert refused.whys("changed") == []


def error(outcome: Outcome) -> str:
    """The message of the error event, with the last lines of output."""
    event = next(event for event in outcome.events if event["event"] == "error")
    return json.dumps(event)


def test_first_issue_and_then_none(site: Site) -> None:
    """As foreseen by the dry run a certificate is obtained and served; a second run asks the CA for nothing."""
    before = site.served
    foreseen = site.deployment.ok("provision", "--dry-run")
    done = site.deployment.ok("provision")
    assert done.whys("changed") == foreseen.whys("would change")
    assert done.steps["verify"]["verdict"] == "in sync"
    first = site.served
    assert first != before
    again = site.deployment.ok("provision")
    assert again.recap["changed"] == 0
    assert site.served == first
    assert site.deployment.host.exec("systemctl is-enabled certbot.timer", check=False).stdout.strip() == "masked"


def test_forced_renewal_changes_what_is_served_and_drops_nothing(site: Site) -> None:
    """`renew --force` under 8 visitors: another certificate is served, and no request failed."""
    before = site.served
    targets = (f"{DOMAIN}/", f"{API}/api/echo-address")
    words = [
        sys.executable,
        "-m",
        "tests.host.load",
        site.deployment.host.address,
        str(site.authority.bundle),
        *targets,
    ]
    load = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert load.stdout is not None
    assert load.stdout.readline().strip() == "started"
    renewed = site.deployment.json("renew", "--force")
    counts = json.loads(load.communicate(timeout=60)[0])
    print(f"\nrequests during the renewal: {counts}")
    assert renewed.exit_code == 0, renewed.out
    assert site.served != before
    assert set(counts) == {"200"}
    assert counts["200"] > 100


def test_cron_renews_with_its_own_small_environment(site: Site) -> None:
    """The line of /etc/cron.d, run every minute instead of twice a day, installs what certbot renewed meanwhile."""
    before = site.served
    run = site.deployment.host.exec
    forced = "certbot certonly --webroot -w /opt/biometric-did/.deployer/acme --non-interactive --force-renewal"
    trusted = "REQUESTS_CA_BUNDLE=/opt/biometric-did/.deployer/tls/acme-ca.pem"
    names = f"--cert-name {DOMAIN} -d {DOMAIN} -d {API} --server {site.authority.directory_url}"
    run(f"for try in 1 2 3 4 5; do {trusted} {forced} {names} && exit 0; done; exit 1", seconds=180)
    assert site.served == before
    run(r"sed 's/^[0-9]* 3,15 /* * /' /etc/cron.d/biometric-did >/etc/cron.d/soon; chmod 644 /etc/cron.d/soon")
    run("timeout 150 bash -c 'until grep -q served /var/log/biometric-did-renew.log; do sleep 0.5; done'", seconds=160)
    run("rm /etc/cron.d/soon")
    assert site.served != before
    assert site.deployment.ok("provision", "--no-verify").recap["changed"] == 0


def test_a_further_name_expands_the_certificate(site: Site) -> None:
    """An alias in the inventory: the certificate covers it, and the site answers under it."""
    alias = f"www.{DOMAIN}"
    site.authority.point(alias, site.deployment.host.address)
    text = site.edit(f'domain = "{DOMAIN}"', f'domain = "{DOMAIN}"\naliases = ["{alias}"]')
    try:
        done = site.deployment.ok("provision")
        assert any("obtain a certificate" in why for why in done.whys("changed"))
    finally:
        site.restore(text)


@pytest.mark.parametrize("trouble", ["down", "name", "limit"])
def test_a_ca_that_refuses_leaves_the_old_certificate(site: Site, trouble: str) -> None:
    """Down, a name it cannot resolve, its rate limit: exit 1, said in plain words, and the old one is served."""
    before = site.served
    wanted = {
        "down": "cannot be reached",
        "name": "does not resolve",
        "limit": "rate limit",
    }[trouble]
    refused = _renew_with(site, trouble)
    assert refused.exit_code == 1
    assert wanted in error(refused), error(refused)
    assert site.served == before


def _renew_with(site: Site, trouble: str) -> Outcome:
    if trouble == "name":
        site.authority.point(API, "")
        try:
            return site.deployment.json("renew", "--force")
        finally:
            site.authority.point(API, site.deployment.host.address)
    if trouble == "down":
        return _renew_at(site, f"https://{site.authority.address}:9/dir")
    with site.authority.limited() as url:
        return _renew_at(site, url)


def _renew_at(site: Site, url: str) -> Outcome:
    text = site.edit(site.authority.directory_url, url)
    try:
        return site.deployment.json("renew", "--force")
    finally:
        site.restore(text)
