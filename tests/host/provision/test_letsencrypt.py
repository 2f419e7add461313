"""Certificates from a real ACME CA: first issue, no second one, renewals, and a CA that refuses or is away.

One host goes through all of it in this order, as a server does in its life.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.digest import digest
from testbed.origin import Repository
from tests.support.authority import BAD_NONCES, Authority, authority
from tests.support.tool import Deployment, Outcome, booted, deployment, touched
from tests.support.visitor import Visitor

pytestmark = pytest.mark.in_turn

DOMAIN = "wallet.example.test"
API = f"api.{DOMAIN}"
ROOT = "/opt/biometric-did"
RENEWAL = f"/etc/letsencrypt/renewal/{DOMAIN}.conf"
CRON = "/etc/cron.d/biometric-did"
LOG = "/var/log/biometric-did-renew.log"
SHOWN = f"openssl s_client -connect 127.0.0.1:443 -servername {DOMAIN} </dev/null 2>/dev/null | openssl x509 -noout "
PROXY = "label=com.docker.compose.service=nginx"


@dataclass(frozen=True)
class Site:
    """A host that gets its certificates from the test CA."""

    deployment: Deployment
    authority: Authority

    def says(self, command: str, *, seconds: float = 120) -> str:
        return self.deployment.host.exec(command, seconds=seconds).stdout.strip()

    @property
    def served(self) -> str:
        """The fingerprint of what a visitor gets."""
        return self.says(f"{SHOWN} -fingerprint -sha256")

    @property
    def issuer(self) -> str:
        return self.says(f"{SHOWN} -issuer")

    @property
    def covered(self) -> set[str]:
        """The names in what a visitor gets."""
        shown = self.says(f"{SHOWN} -ext subjectAltName | tail -n +2")
        return {name.strip().removeprefix("DNS:") for name in shown.split(",")}

    @property
    def proxy(self) -> str:
        """The proxy's container and its start: others after any stop."""
        return self.says(f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' $(docker ps -q -f {PROXY})")

    @contextmanager
    def visited(self, trusted: Path, counts: dict[str, int]) -> Iterator[None]:
        """Eight visitors of wallet and API meanwhile; afterwards `counts` has every answer and every failure."""
        targets = (f"{DOMAIN}/", f"{API}/api/echo-address")
        words = (sys.executable, "-m", "tests.support.load", self.deployment.host.address, str(trusted), *targets)
        load = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert load.stdout is not None
        assert load.stdout.readline().strip() == "started"
        try:
            yield
            assert load.poll() is None, "the visitors left too early"
        finally:
            counts |= json.loads(load.communicate(timeout=60)[0])
        print(f"\nrequests meanwhile: {counts}")


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


def error(outcome: Outcome) -> str:
    """The error event: its message, its remedy and the last lines of output."""
    return json.dumps(next(event for event in outcome.events if event["event"] == "error"))


def acts(outcome: Outcome) -> Mapping[str, object]:
    """The changes of every step that has any, in full."""
    return {name: step["changes"] for name, step in outcome.steps.items() if step["changes"]}


def test_names_that_lead_elsewhere_stop_before_anything_changes(site: Site) -> None:
    """A wrong A record and an AAAA record that is not served: exit 1, said by name, nothing touched on the host."""
    site.authority.point(API, "192.0.2.7")
    site.authority.point_ipv6(DOMAIN, "2001:db8::7")
    before = digest(site.deployment.host)
    try:
        refused = site.deployment.json("provision")
    finally:
        site.authority.point(API, site.deployment.host.address)
        site.authority.point_ipv6(DOMAIN, "")
    assert refused.exit_code == 1
    message = error(refused)
    assert f"{API} resolves to 192.0.2.7" in message
    assert f"{DOMAIN} has the IPv6 address 2001:db8::7" in message
    assert touched(before, digest(site.deployment.host)) == []
    assert site.authority.issued == 0


def test_first_issue_while_the_site_is_visited(site: Site, tmp_path: Path) -> None:
    """From self-signed to the CA's: what the dry run listed, by the proxy that runs on; no request fails."""
    trusted = tmp_path / "either.pem"
    trusted.write_bytes(site.authority.bundle.read_bytes() + site.says(f"cat {ROOT}/nginx/ssl/fullchain.pem").encode())
    before, proxy = site.served, site.proxy
    foreseen = site.deployment.ok("provision", "--dry-run")
    counts: dict[str, int] = {}
    with site.visited(trusted, counts):
        done = site.deployment.ok("provision")
    assert acts(done) == acts(foreseen)
    assert done.whys("changed") == foreseen.whys("would change")
    assert done.steps["verify"]["verdict"] == "unchanged"
    assert site.served != before
    assert "Pebble" in site.issuer
    assert site.authority.issued == 1
    assert site.proxy == proxy
    assert set(counts) == {"200"}


def test_a_second_run_asks_the_ca_for_nothing(site: Site) -> None:
    """In sync: not one request reaches the CA, neither by the run nor by what cron runs; certbot's timer is masked."""
    served, asked = site.served, site.authority.log
    assert site.deployment.ok("provision").recap["changed"] == 0
    assert site.deployment.ok("renew").recap["changed"] == 0
    assert "the certificate in place is kept" in site.says(f"env -i {ROOT}/.deployer/bin/renew")
    new = site.authority.log.removeprefix(asked)
    assert [line for line in new.splitlines() if "order" in line] == []
    assert site.served == served
    assert site.says("systemctl is-enabled certbot.timer || true") == "masked"


def test_forced_renewal_while_the_site_is_visited(site: Site) -> None:
    """`renew --force` under 8 visitors: another certificate is served, and no request failed."""
    before, proxy, counts = site.served, site.proxy, dict[str, int]()
    with site.visited(site.authority.bundle, counts):
        renewed = site.deployment.json("renew", "--force")
    assert renewed.exit_code == 0, renewed.out
    assert site.served != before
    assert site.authority.issued == 2
    assert site.proxy == proxy
    assert set(counts) == {"200"}
    assert counts["200"] > 100


def test_cron_renews_when_it_is_time(site: Site) -> None:
    """The line of /etc/cron.d, run by the host's cron: a new certificate is obtained, served, and that is logged.

    It is time because certbot is told to renew ten years before the end; cron runs the line at once because it says
    @reboot instead of an hour, and cron is made to take this for its first start.
    """
    before = site.served
    site.says(f"sed -i '1i renew_before_expiry = 3650 days' {RENEWAL}")
    site.says(rf"sed -i 's/^[0-9]* 3,15 \* \* \*/@reboot/' {CRON} && grep -q '^@reboot root' {CRON}")
    site.says("rm /run/crond.reboot && systemctl restart cron.service")
    site.says(
        f"timeout 90 bash -c 'until grep -q \"certificate is served\" {LOG}; do sleep 0.2; done' || cat {LOG} >&2"
    )
    print(f"\n{site.says(f'cat {LOG}')}")
    site.says(f"sed -i '/^renew_before_expiry/d' {RENEWAL}")
    assert site.served != before
    assert site.authority.issued == 3
    mended = site.deployment.ok("provision", "--no-verify")
    assert [why.partition(": ")[2] for why in mended.whys("changed")] == [f"write {CRON} (content differs)"]


def test_further_name(site: Site) -> None:
    """An alias in the inventory: the certificate covers it, the site answers under it; and without it not any more."""
    alias = f"www.{DOMAIN}"
    site.authority.point(alias, site.deployment.host.address)
    with site.deployment.edited(f'domain = "{DOMAIN}"', f'domain = "{DOMAIN}"\naliases = ["{alias}"]'):
        site.deployment.ok("provision")
        assert site.covered == {DOMAIN, API, alias}
        assert Visitor(site.deployment.host.address, site.authority.bundle).ask(alias).status in (200, 301, 308)
    site.deployment.ok("provision", "--no-verify")
    assert site.covered == {DOMAIN, API}


def test_another_ca(site: Site) -> None:
    """`acme_server` changed (a rehearsal is over): a certificate of that CA replaces the other, which had lasted."""
    before = site.served
    with (
        site.authority.elsewhere(limited=False) as url,
        site.deployment.edited(site.authority.directory_url, url),
    ):
        done = site.deployment.ok("provision", "--no-verify")
        assert [why for why in done.whys("changed") if "obtain a certificate" in why]
        assert site.deployment.ok("provision", "--no-verify").recap["changed"] == 0
    assert site.served != before


TROUBLES = {
    "name": f"a name does not resolve for the CA: check the A records of {API}",
    "firewall": f"the CA cannot reach port 80 under {API} {DOMAIN}",
    "limit": "its rate limit is reached",
    "down": "cannot be reached from this host",
}


@pytest.mark.full
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_ca_that_refuses_leaves_the_old_certificate(site: Site, trouble: str) -> None:
    """A name it cannot resolve, a closed port 80, its rate limit, no CA: exit 1, said plainly, the old one served."""
    before, proxy = site.served, site.proxy
    with in_trouble(site, trouble):
        refused = site.deployment.json("renew", "--force")
    event = json.loads(error(refused))
    print(f"\n{event['context']['output']}")
    assert refused.exit_code == 1
    assert TROUBLES[trouble] in event["context"]["output"].splitlines()[-1]
    assert "the one in place is served" in event["message"]
    assert (site.served, site.proxy) == (before, proxy)


@contextmanager
def in_trouble(site: Site, trouble: str) -> Iterator[None]:
    host, ca = site.deployment.host, site.authority
    if trouble == "name":
        ca.point(API, "")
        try:
            yield
        finally:
            ca.point(API, host.address)
    elif trouble == "firewall":
        rule = f"DOCKER-USER -s {ca.address} -p tcp --dport 80 -j REJECT --reject-with tcp-reset"
        host.exec(f"iptables -I {rule}")
        try:
            yield
        finally:
            host.exec(f"iptables -D {rule}")
    elif trouble == "limit":
        with ca.elsewhere(limited=True) as url, site.deployment.edited(ca.directory_url, url):
            yield
    else:
        with ca.away():
            yield


def test_placeholder(site: Site) -> None:
    """No proxy and no certificate, as on a new host: a placeholder is served while the CA is away, then the CA's.

    The CA that comes back refuses some nonces, and is asked again.
    """
    site.says(
        f"docker rm -f $(docker ps -q -f {PROXY}) && rm -rf {ROOT}/nginx/ssl/* {ROOT}/.deployer/tls /etc/letsencrypt"
    )
    with site.authority.away(BAD_NONCES):
        refused = site.deployment.json("provision")
        assert refused.exit_code == 1
        assert "cannot be reached from this host" in error(refused)
        assert "O = deployer" in site.issuer.replace("O=deployer", "O = deployer")
        placeholder, proxy = site.served, site.proxy
    done = site.deployment.ok("provision")
    assert [why for why in done.whys("changed") if "placeholder" in why] == []
    assert site.served != placeholder
    assert "Pebble" in site.issuer
    assert site.proxy == proxy
    assert site.deployment.ok("provision", "--no-verify").recap["changed"] == 0
