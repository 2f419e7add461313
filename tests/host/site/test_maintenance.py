"""Maintenance on a real host: who gets the page, what survives a restart and a reboot, and what is told of it."""

import json

import pytest

from tests.support.tool import Deployment
from tests.support.visitor import Seen, Visitor

pytestmark = pytest.mark.in_turn

DOMAIN = "wallet.example.test"
API = f"api.{DOMAIN}"
ROOT = "/opt/biometric-did"
CHALLENGES = f"{ROOT}/.deployer/acme/.well-known/acme-challenge"


def visitor(host: Deployment) -> Visitor:
    """Made anew each time: a reboot may give the host another address."""
    trusted = host.inventory / "served.pem"
    trusted.write_text(host.host.exec(f"cat {ROOT}/nginx/ssl/fullchain.pem").stdout)
    return Visitor(host.host.address, trusted)


def answers(host: Deployment) -> dict[str, Seen]:
    asked = visitor(host)
    host.host.exec(f"mkdir -p {CHALLENGES} && echo proof >{CHALLENGES}/token")
    return {
        "page": asked.ask(DOMAIN, "/some/route"),
        "API": asked.ask(API, "/api/echo-address", method="POST", body=b"{}"),
        "health": asked.ask(API, "/health"),
        "ACME": asked.ask(DOMAIN, "/.well-known/acme-challenge/token", https=False),
    }


def statuses(host: Deployment) -> dict[str, int]:
    return {name: seen.status for name, seen in answers(host).items()}


ON = {"page": 503, "API": 503, "health": 200, "ACME": 200}


def test_maintenance(provisioned: Deployment) -> None:
    """On: everybody but ACME and the health path is told to come back, through restarts; off: all is as before."""
    before = statuses(provisioned)
    assert (before["page"], before["health"]) == (200, 200)
    foreseen = provisioned.json("maintenance", "on", "--dry-run", "--detailed-exitcode")
    assert foreseen.exit_code == 10
    assert statuses(provisioned) == before
    done = provisioned.ok("maintenance", "on")
    assert done.whys("changed") == foreseen.whys("would change")
    seen = answers(provisioned)
    assert {name: answer.status for name, answer in seen.items()} == ON
    assert b"Down for maintenance" in seen["page"].body
    assert json.loads(seen["API"].body) == {"detail": "Down for maintenance"}
    assert [seen[name].all("Retry-After") for name in ("page", "API")] == [["300"], ["300"]]
    assert provisioned.ok("maintenance", "on").recap["changed"] == 0
    is_told(provisioned)
    is_left_alone(provisioned)
    survives(provisioned)
    assert provisioned.ok("maintenance", "off").recap["changed"] == 1
    assert statuses(provisioned) == before
    assert provisioned.ok("maintenance", "off").recap["changed"] == 0
    assert provisioned.ok("status").events[0]["maintenance"] == ""
    assert "maintenance is on" not in provisioned.ok("verify").out
    is_audited(provisioned)


def is_audited(host: Deployment) -> None:
    """Who changed what: each run once, the newest last, of one shape; runs with nothing to do leave no line."""
    host.ok("renew", "--force")
    host.host.exec(f'echo \'{{"run": {{"who"\' >>{ROOT}/.deployer/audit.jsonl')
    shown = host.ok("audit")
    *entries, broken = [event for event in shown.events if event["event"] == "audit"]
    told = [(str(entry["command"]), entry["result"], entry["changed"]) for entry in entries]
    assert [entry for entry in told if entry[0] not in ("provision", "update")] == [
        ("maintenance on", "done", 1),
        ("maintenance off", "done", 1),
        ("renew --force", "done", 1),
    ]
    assert all("@" in str(entry["who"]) and str(entry["ended"]).endswith("Z") for entry in entries)
    assert broken["broken"] == '{"run": {"who"'
    assert shown.recap["round_trips"] == 1
    assert host.run("audit", "--lines", "1").out.splitlines()[1] == 'not a record: {"run": {"who"'


def is_told(host: Deployment) -> None:
    """`verify` exits 0 and warns; `status` has a line; both as events too."""
    (warning,) = [event for event in host.ok("verify").events if event.get("name") == "maintenance is on"]
    assert (warning["verdict"], warning["remedy"]) == ("warning", "run deployer maintenance off")
    shown = host.run("verify")
    assert shown.exit_code == 0
    assert "maintenance is on" in shown.out
    assert str(host.ok("status").events[0]["maintenance"]).startswith("on since ")
    assert "deployer maintenance off --host web" in host.run("status").out


def is_left_alone(host: Deployment) -> None:
    """There is nothing to do for provision; neither what it mends nor an update ends it, or is confused by it."""
    looked = host.ok("provision", "--dry-run", "--detailed-exitcode")
    assert looked.recap["changed"] == looked.recap["unknown"] == 0
    host.host.exec(f"echo '# drift' >>{ROOT}/nginx/conf.d/biometric-did.conf; docker rm -f biometric-did-demo-wallet-1")
    assert host.ok("provision").recap["changed"]
    assert statuses(host) == ON
    with (host.inventory / "web.toml").open("a") as inventory:
        inventory.write('[environment]\nDEPLOYED_DURING = "maintenance"\n')
    assert host.ok("update").recap["changed"]
    assert statuses(host) == ON


def survives(host: Deployment) -> None:
    """A restart of the proxy, of Docker, of the host."""
    for restart in ("docker restart biometric-did-nginx-1", "systemctl restart docker"):
        host.host.exec(restart)
        host.await_site()
        assert statuses(host) == ON
    host.reboot()
    host.await_site()
    assert statuses(host) == ON


def test_a_proxy_that_does_not_look(provisioned: Deployment) -> None:
    """An older configuration is refused before anything is written; one that was not loaded is found by the proof."""
    host, site = provisioned.host, f"{ROOT}/nginx/conf.d/biometric-did.conf"
    host.exec(f"cp -a {site} /root/new && sed -i '/^    if (/,/^    }}/d' {site}")
    refused = provisioned.json("maintenance", "on")
    assert refused.exit_code == 1
    assert "provision" in refused.out
    host.exec("docker exec biometric-did-nginx-1 nginx -s reload -c /etc/nginx/deployer/nginx.conf; sleep 2")
    host.exec(f"cp -a /root/new {site}")
    failed = provisioned.json("maintenance", "on")
    assert failed.exit_code == 4, failed.out
    assert "the proxy ignores the switch" in failed.out
    assert "maintenance" not in host.exec(f"ls {ROOT}/nginx").stdout
    assert visitor(provisioned).ask(DOMAIN).status == 200
