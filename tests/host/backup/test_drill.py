"""Drills on a real host: what they find, what they leave, and that nobody who uses the site notices.

One host for all of them: a drill changes nothing of what serves, which is what most of these tests prove.
"""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import Repository
from tests.support import tree
from tests.support.interrupting import await_point, quoted
from tests.support.releasing import API, ROOT, visitor_of
from tests.support.tool import Deployment, Event, Outcome, booted, deployment
from tests.support.traffic.running import traffic
from tests.support.visitor import Visitor

pytestmark = pytest.mark.in_turn

BACKUPS = "/backups/biometric-did"
COPY = f"{ROOT}/.deployer/drill"
LABEL = "--filter label=deployer.drill=biometric-did"
ASK = (
    "import http.client as h, json, os; c = h.HTTPConnection('127.0.0.1', 8000); "
    "c.request('GET', '/api/records/check', headers={'X-Forwarded-Proto': 'https'}); t = json.load(c.getresponse()); "
    "print(t['records'], 'records; key', os.environ['API_SECRET_KEY']); raise SystemExit(not t['consistent'])"
)
"""The application's own opinion of its data. It prints a secret, as careless checks do."""
CHECK = ("python", "-c", ASK)
ANSWER = r"\d+ records; key \[secret\]"
WAITING = ("sh", "-c", "echo asked; until [ -e /app/data/go ]; do sleep 0.1; done")
"""A check that lasts until it is told to end: meanwhile the copy can be looked at."""
LIVE = {
    "containers": "docker ps -aq --no-trunc | xargs docker inspect -f "
    "'{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{.State.Status}}' | sort",
    "listening": "ss -ltnH | sort",
    "networks": "docker network ls --no-trunc --format '{{.ID}} {{.Name}}' | sort",
    "volumes": "docker volume ls -q | sort",
    "images": "docker image ls -a --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort",
    "firewall": r"iptables-save | sed 's/\[[0-9:]*\]//; /^#/d' | sort",
    "files": f"find {ROOT} '(' -path {ROOT}/src -o -name logs ')' -prune -o -type f ! -name '*.jsonl' -print | sort",
}


@dataclass(frozen=True)
class Site:
    """A provisioned host with some records; every output is searched for its secrets."""

    deployment: Deployment
    visitor: Visitor
    secrets: tuple[str, ...]

    def run(self, *words: str, code: int = 0) -> Outcome:
        outcome = self.deployment.json(*words)
        assert outcome.exit_code == code, f"exit {outcome.exit_code}\n{outcome.out[-4000:]}\n{outcome.err[-4000:]}"
        self.keeps_quiet(outcome.out + outcome.err)
        return outcome

    def keeps_quiet(self, said: str) -> None:
        assert [secret for secret in self.secrets if secret in said] == []

    def shell(self, command: str) -> str:
        return self.deployment.host.exec(command).stdout

    def add_records(self, number: int) -> None:
        for _ in range(number):
            assert self.visitor.ask(API, "/api/records", method="POST", body=b'{"key": "k"}').status == 200

    def backup(self) -> str:
        self.run("backup")
        return self.shell(f"ls {BACKUPS} | tail -n 1").strip()

    @property
    def live(self) -> dict[str, str]:
        """All that serves, with a digest of the data by the tool's own list of files."""
        told = {name: self.shell(command) for name, command in LIVE.items()}
        program = Path(tree.__file__).read_bytes()
        listed = self.deployment.host.exec(("python3", "-", ROOT, "data"), stdin=program).stdout
        assert listed.count("\n") > 2
        return {**told, "data": listed}

    @property
    def evidence(self) -> Event:
        said = self.shell(f"tail -n 1 {ROOT}/.deployer/drills.jsonl")
        self.keeps_quiet(said)
        found = json.loads(said)
        assert isinstance(found, dict)
        return found

    @property
    def left(self) -> str:
        return self.shell(f"docker ps -aq {LABEL}; docker network ls -q {LABEL}; ls -d {COPY} 2>/dev/null || true")


@pytest.fixture(scope="module")
def site(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with booted(bed, "drill", from_snapshot=provisioned_snapshot) as host:
        directory = tmp_path_factory.mktemp("drill")
        table = f'check = {json.dumps(CHECK)}\ndrill_schedule = "0 4 1 1 *"'
        deployed = deployment(directory / "inventory", host, bed, repository, backup=table)
        deployed.ok("provision")
        env = host.exec(f"cat {ROOT}/.env").stdout
        secrets = tuple(re.findall(r"^\w*SECRET_KEY=(.+)$", env, re.MULTILINE))
        assert len(secrets) == 2
        found = Site(deployed, visitor_of(deployed, directory), secrets)
        found.add_records(5)
        yield found


@pytest.fixture
def good(site: Site) -> str:
    """The newest backup, which is whole and sound."""
    return site.backup()


def unchanged(site: Site, before: dict[str, str]) -> None:
    now = site.live
    assert {name: (before[name], now[name]) for name in now if now[name] != before[name]} == {}
    assert site.left == ""


def half_way(site: Site) -> "subprocess.Popen[str]":
    """A drill whose copy runs and is being checked, until somebody makes the file data/go in it."""
    with site.deployment.edited(json.dumps(CHECK), json.dumps(WAITING)):
        run = site.deployment.start("drill", "--json")
        await_point(site.deployment, run, f"docker top $(docker ps -q {LABEL}) 2>/dev/null | grep -qF /app/data/go")
    return run


def test_passes(site: Site, good: str, tmp_path: Path) -> None:
    """While visitors use the site, none of whom notices; the evidence is kept and shown, the backup marked."""
    before = {name: value for name, value in site.live.items() if name != "data"}
    with traffic(site.visitor.address, site.visitor.trusted, tmp_path) as running:
        outcome = site.run("drill")
    print(f"\n{running.counts.summary()}")
    assert running.counts.failures == 0
    assert {name: value for name, value in site.live.items() if name != "data"} == before
    assert site.left == ""
    evidence = site.evidence
    print(evidence)
    assert (evidence["result"], evidence["backup"]) == ("passed", good)
    assert re.fullmatch(ANSWER, str(evidence["check"]))
    assert evidence["files"] == int(
        site.shell(f'zstd -dc {BACKUPS}/{good}/*_files.jsonl.zst | grep -c \'"type": "file"\'')
    )
    assert "@" in str(evidence["who"])
    (told,) = [event for event in outcome.events if event["event"] == "drill"]
    assert {key: told[key] for key in ("backup", "seconds", "check")} == {
        key: evidence[key] for key in ("backup", "seconds", "check")
    }
    assert site.shell(f"cat {BACKUPS}/{good}/verified").startswith("20")
    status = site.deployment.json("status").events[0]
    assert status["last_drill"]["result"] == "passed"  # type: ignore[index]
    assert status["warnings"] == []
    assert f"passed: {good}, " in site.deployment.run("status").out


def test_closed(site: Site, good: str) -> None:
    """No port, no way out and nothing of the live data, while it runs; the site serves, the lock is held."""
    before = site.live
    run = half_way(site)
    (copy,) = site.shell(f"docker ps -q {LABEL}").split()
    told = json.loads(site.shell(f"docker inspect {copy}"))[0]
    assert told["HostConfig"]["PortBindings"] in (None, {})
    assert not any(told["NetworkSettings"]["Ports"].values())
    assert {mount["Source"] for mount in told["Mounts"]} == {f"{COPY}/new/data", f"{COPY}/new/logs"}
    assert set(told["NetworkSettings"]["Networks"]) == {"biometric-did-drill"}
    assert site.shell("docker network inspect -f '{{.Internal}}' biometric-did-drill") == "true\n"
    assert site.live["listening"] == before["listening"]
    proxy = site.shell(
        "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' biometric-did-nginx-1"
    )
    for address, port in ((proxy.strip(), 443), (site.visitor.address, 22)):
        reached = f"import socket; socket.create_connection(('{address}', {port}), 3)"
        beside, inside = (
            site.deployment.host.exec(("docker", "exec", name, "python", "-c", reached), check=False).returncode
            for name in ("biometric-did-backend-api-1", copy)
        )
        assert inside != 0, address
        assert beside == 0 or port == 22, "the live container reaches the proxy: the test itself works"
    assert site.visitor.ask(API, "/health").status == 200
    held = site.run("backup", code=6)
    assert "drill" in held.err + held.out
    site.shell(f"touch {COPY}/new/data/go")
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, out + err
    unchanged(site, before)


def spoil_and_back_up(site: Site) -> str:
    """A backup of data of which one record is torn; the live data are mended again."""
    file = f"{ROOT}/data/records-b.jsonl"
    site.shell(f"cp -a {file} /root/records-b && sed -i 2d {file}")
    try:
        return site.backup()
    finally:
        site.shell(f"cp -a /root/records-b {file}")


def test_damaged_before_it_was_archived(site: Site) -> None:
    """Issue 4, point 5: formally perfect, and found by the application alone; what serves is left as it is."""
    spoilt = spoil_and_back_up(site)
    before = site.live
    outcome = site.run("drill", code=1)
    unchanged(site, before)
    error = next(event for event in outcome.events if event["event"] == "error")
    print(f"\n{error}")
    assert f"drill of {spoilt} failed: the application's check (backup.check) ended with exit code 1" in json.dumps(
        error
    )
    assert (site.evidence["result"], site.evidence["backup"]) == ("failed", spoilt)
    assert re.fullmatch(ANSWER, str(site.evidence["check"]))
    assert site.evidence["why"] == "the application's check (backup.check) ended with exit code 1"
    status = site.deployment.json("status")
    assert "the last drill failed" in status.events[0]["warnings"][0]["what"]  # type: ignore[index]
    assert "WARNING" in site.deployment.run("status").out
    site.shell(f"rm -r {BACKUPS}/{spoilt}")


def test_damaged_afterwards(site: Site, good: str) -> None:
    """One byte on the disk: refused before anything is unpacked or started."""
    volumes = f"{BACKUPS}/{good}/{good}_volumes.tar.zst"
    site.shell(f"rm -f {BACKUPS}/{good}/verified")
    site.shell(f"printf '\\xff' | dd of={volumes} bs=1 seek=$(($(stat -c %s {volumes}) / 2)) conv=notrunc status=none")
    before, since = site.live, site.shell("date +%s.%N").strip()
    site.run("drill", code=1)
    unchanged(site, before)
    assert site.evidence["why"] == f"{good} is damaged: {good}_volumes.tar.zst is not what was written"
    assert site.shell(f"docker events --since {since} --until $(date +%s.%N) --filter event=create") == ""
    site.shell(f"[ ! -e {BACKUPS}/{good}/verified ] && rm -r {BACKUPS}/{good}")


def test_killed(site: Site, good: str) -> None:
    """Half-way, everything of it: the site serves, and the next drill removes what is left, and says so."""
    before = site.live
    run = half_way(site)
    site.shell("systemctl kill --signal=KILL 'deployer-biometric-did-*.scope'")
    out, err = run.communicate(timeout=120)
    assert run.returncode == 1, out + err
    assert site.left != ""
    assert site.visitor.ask(API, "/health").status == 200
    outcome = site.deployment.run("drill", "-v")
    assert outcome.exit_code == 0, outcome.out + outcome.err
    assert "removing what an earlier drill left: biometric-did-drill-backend-api-1" in outcome.out
    unchanged(site, before)
    assert (site.evidence["result"], site.evidence["backup"]) == ("passed", good)


def test_interrupted(site: Site, good: str) -> None:
    """Ctrl-C: all of it is removed at once, and the evidence says that it was interrupted."""
    before = site.live
    run = half_way(site)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 130, out + err
    unchanged(site, before)
    assert (site.evidence["result"], site.evidence["why"]) == ("failed", "it was interrupted")


def test_image_is_gone(site: Site, good: str) -> None:
    """It is said what to do; nothing is built."""
    tag = site.shell(
        "docker image ls --format '{{.Repository}}:{{.Tag}}' biometric-did-backend | grep -v :current"
    ).strip()
    site.shell(f"docker rmi {tag}")
    before = site.live
    site.run("drill", code=1)
    unchanged(site, before)
    assert str(site.evidence["why"]).startswith(f"the image {tag} of the backup's release is not on this host any more")
    site.shell(f"docker tag biometric-did-backend:current {tag}")


def test_which_one(site: Site, good: str) -> None:
    """By its time; an incomplete newer one is skipped by name; where none matches all are listed (exit 2)."""
    newer = "biometric-did_29991231_235959"
    site.shell(f"mkdir {BACKUPS}/{newer}")
    chosen = site.run("drill", "--dry-run").events[0]
    assert (chosen["backup"], chosen["skipped"]) == (good, {newer: "SHA256SUMS is missing"})
    refused = site.run("drill", "--ts", "29991231", code=2)
    assert good in refused.out
    assert f"{newer} (incomplete: SHA256SUMS is missing)" in refused.out
    assert site.run("drill", "--ts", good.partition("_")[2], "--dry-run").events[0]["backup"] == good
    site.shell(f"rmdir {BACKUPS}/{newer}")


def test_cron_runs_it(site: Site, good: str) -> None:
    """As its schedule says, with cron's own PATH; told with its time in a log of its own."""
    with site.deployment.edited('drill_schedule = "0 4 1 1 *"', 'drill_schedule = "* * * * *"'):
        site.run("provision")
    waiting = f'until grep -q \'"who": "cron@\' {ROOT}/.deployer/drills.jsonl; do sleep 0.2; done'
    site.deployment.host.exec(f"timeout 180 bash -c {quoted(waiting)}", seconds=200)
    site.run("provision", "--wait", "60")
    log = site.shell("cat /var/log/biometric-did-drill.log")
    site.keeps_quiet(log)
    print(f"\n{log}")
    assert re.search(rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ drill passed: {good}, \d+ files, ", log, re.MULTILINE)
    assert re.search(ANSWER, log)
    by_cron = [line for line in site.shell(f"cat {ROOT}/.deployer/drills.jsonl").splitlines() if "cron@" in line]
    assert json.loads(by_cron[0])["result"] == "passed"
    assert "0 4 1 1 * root" in site.shell("cat /etc/cron.d/biometric-did")
    assert site.left == ""
