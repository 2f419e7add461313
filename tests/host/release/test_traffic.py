"""The traffic itself: nothing fails while nothing happens nor while the proxy reloads, and an outage is noticed."""

import threading
from pathlib import Path

import pytest

from tests.support.tool import Deployment
from tests.support.traffic.counts import Counts
from tests.support.traffic.proof import keys_of, proved_once
from tests.support.traffic.running import DOMAIN, traffic
from tests.support.visitor import Visitor

pytestmark = pytest.mark.in_turn

API = f"api.{DOMAIN}"
BACKEND = "biometric-did-backend-api-1"
RELOAD = "docker exec biometric-did-nginx-1 nginx -s reload -c /etc/nginx/deployer/nginx.conf"
UNDISTURBED_SECONDS = 10
RELOADS = 3
RELOADS_APART = 2


def wait(seconds: float) -> None:
    """Let traffic pass: here time itself is what is waited for."""
    threading.Event().wait(seconds)


@pytest.fixture
def visitor(provisioned: Deployment, tmp_path: Path) -> Visitor:
    trusted = tmp_path / "site.pem"
    trusted.write_text(provisioned.host.exec("cat /opt/biometric-did/nginx/ssl/fullchain.pem").stdout)
    return Visitor(provisioned.host.address, trusted)


def test_traffic_notices_an_outage_and_nothing_else(provisioned: Deployment, visitor: Visitor, tmp_path: Path) -> None:
    """No failure while nothing happens nor while the proxy reloads; failures when the backend is restarted.

    The counts are printed, and the records prove that each POST ran once; a second run would be noticed.
    """
    with traffic(visitor.address, visitor.trusted, tmp_path) as undisturbed:
        wait(UNDISTURBED_SECONDS)
    counts = undisturbed.counts
    print(f"\nundisturbed: {counts.summary()}\n{proved_once(visitor, API, counts)}")
    assert counts.failures == 0
    assert counts.versions == ("1",)

    with traffic(visitor.address, visitor.trusted, tmp_path) as reloaded:
        for _ in range(RELOADS):
            provisioned.host.exec(RELOAD)
            wait(RELOADS_APART)
    counts = reloaded.counts
    print(f"\n{RELOADS} reloads: {counts.summary()}\n{proved_once(visitor, API, counts)}")
    assert counts.failures == 0
    assert counts.events["connections closed with an answer"] > 0

    with traffic(visitor.address, visitor.trusted, tmp_path) as restarted:
        provisioned.host.exec(f"docker restart {BACKEND}")
    provisioned.await_site()
    print(f"\nrestarted: {restarted.counts.summary()}\n{proved_once(visitor, API, restarted.counts)}")
    assert restarted.counts.failures > 0
    assert "502" in restarted.counts.statuses
    _proof_notices_a_second_run(visitor, restarted.counts)


def _proof_notices_a_second_run(visitor: Visitor, counts: Counts) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": keys_of(counts).answered[0]}
    assert visitor.ask(API, "/api/records", method="POST", body=b"{}", headers=headers).status == 200
    with pytest.raises(AssertionError, match="1 ran more than once"):
        proved_once(visitor, API, counts)
