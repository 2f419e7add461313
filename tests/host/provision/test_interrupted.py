"""A run that is cut off at any moment (killed, reset, silent, Ctrl-C): the next one makes the same host of it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.digest import difference
from testbed.host import TestHost
from testbed.origin import Repository
from tests.support.authority import authority
from tests.support.cutting import Cutting
from tests.support.interrupting import LOCK, await_point, through
from tests.support.listing import ROOT, listing
from tests.support.tool import Deployment, Outcome, booted, deployment

pytestmark = pytest.mark.full(share=0.08)

DOMAIN = "wallet.example.test"
STATE = f"{ROOT}/.deployer"
CONF_D = f"{ROOT}/nginx/conf.d"
SILENT_SECONDS = 60
"""In which the tool has to notice that nothing comes any more."""
JOB_SECONDS = 400


@dataclass(frozen=True)
class Point:
    """A moment of a run: what holds then on the host.

    `early` ones come before Docker is installed; in what `builds` everything is built anew.
    """

    holds: str
    early: bool = False
    builds: bool = False
    acme: bool = False


POINTS = {
    "in apt-get": Point("pgrep -x apt-get", early=True),
    "dpkg unpacks": Point("pgrep -f '[d]pkg.*--unpack'", early=True),
    "dpkg configures": Point("pgrep -f '[d]pkg.*--configure'", early=True),
    "dpkg has unpacked Docker": Point("[ -e /usr/sbin/dockerd ]", early=True),
    "daemon.json is written": Point("[ -e /etc/docker/daemon.json ]", early=True),
    "the network is made": Point("docker network inspect biometric-did-network", early=True),
    "git clones": Point("pgrep -f '[g]it clone'"),
    "the directories are made": Point(f"[ -d {ROOT}/nginx ]"),
    ".env is written": Point(f"[ -e {ROOT}/.env ]"),
    "the compose file is written": Point(f"[ -e {ROOT}/docker-compose.yml ]"),
    "the proxy's configuration is written": Point(f"[ -e {ROOT}/nginx/nginx.conf ]"),
    "in certbot": Point("pgrep -f '[c]ertbot certonly'", acme=True),
    "the certificate is made": Point(f"[ -e {STATE}/tls/privkey.pem ]"),
    "the proxy starts": Point("pgrep -f '[d]ocker compose.* up .*nginx'"),
    "between ufw allow and ufw enable": Point("grep -q 'allow tcp 22' /etc/ufw/user.rules"),
    "the firewall is on": Point("grep -q ENABLED=yes /etc/ufw/ufw.conf"),
    "the backend is built": Point("pgrep -f '[b]uildx build.*backend'", builds=True),
    "the wallet is built": Point("pgrep -f '[b]uildx build.*wallet'", builds=True),
    "the backend starts": Point("docker ps -q --filter label=com.docker.compose.service=backend-api | grep -q ."),
    "in the switch of the proxy": Point(f"[ -e {CONF_D}/biometric-did.upstreams.former ]"),
    "the schedules are written": Point("[ -e /etc/cron.d/biometric-did ]"),
}
MANNERS = ("killed", "reset", "silent")

LEFTOVERS = {
    "containers": "for state in created exited dead; do docker ps -aq --filter status=$state; done",
    "files": "find /opt /etc -name '*.deployer-new' -o -name '*.upstreams.new' -o -name '*.upstreams.former'",
    "builds": f"find {STATE} -maxdepth 1 '(' -name 'build.*' -o -name look ')'",
    "packages": "dpkg --audit",
    "units": "systemctl list-units --no-legend --plain --all 'deployer-*'",
    "lock": f"flock -n {LOCK} true || echo held",
}


def left_over(host: TestHost) -> dict[str, str]:
    """What must not stay behind, by kind."""
    said = {kind: host.exec(command).stdout.strip() for kind, command in LEFTOVERS.items()}
    return {kind: what for kind, what in said.items() if what}


@dataclass(frozen=True)
class Ground:
    """What a case starts from, and what it has to end with."""

    bed: Bed
    repository: Repository
    builds: str
    half_way: str
    undisturbed: dict[str, str]

    @contextmanager
    def begun(self, point: Point, directory: Path, **changed: str) -> Iterator[Deployment]:
        """A host on the way to this point, fresh or with Docker, and an inventory for it."""
        started = (
            booted(self.bed, "cut", builds_of=self.builds)
            if point.early
            else booted(self.bed, "cut", from_snapshot=self.half_way)
        )
        with started as host:
            if point.builds:
                host.exec("docker builder prune --all --force")
            yield deployment(directory, host, self.bed, self.repository, **changed)


@pytest.fixture
def ground(bed: Bed, repository: Repository, builds: str, half_way: str, undisturbed: dict[str, str]) -> Ground:
    return Ground(bed, repository, builds, half_way, undisturbed)


def cut(run: "subprocess.Popen[str]", line: Cutting, manner: str) -> Outcome:
    """End it so; it has to end in time."""
    if manner == "killed":
        os.killpg(run.pid, signal.SIGKILL)
    elif manner == "reset":
        line.reset()
    else:
        line.silence()
    began = time.monotonic()
    try:
        out, err = run.communicate(timeout=SILENT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        raise AssertionError(f"{manner}: the tool went on; {run.communicate()}") from None
    print(f"\n{manner}: ended after {time.monotonic() - began:.1f} s with {run.returncode}: {err.strip()[-300:]}")
    return Outcome(run.returncode, out, err)


@contextmanager
def cut_off(direct: Deployment, point: Point, manner: str) -> Iterator[None]:
    """Begin a run through a line and cut it off at that point; the tool ends as it should.

    A line gone silent stays so for as long as the context lasts: the host is told nothing meanwhile.
    """
    with Cutting(direct.host.address, direct.host.port) as line:
        deployed = through(line, direct)
        run = deployed.start("provision", "--no-verify")
        await_point(deployed, run, point.holds)
        outcome = cut(run, line, manner)
        assert outcome.exit_code == (-signal.SIGKILL if manner == "killed" else 3), outcome
        assert manner == "killed" or "was lost" in outcome.err, outcome.err
        yield


WORKING = "pgrep -a -f '[/]run/deployer/biometric-did/|[a]pt-get|[b]uildx build' || true"
"""What of a job is still there."""


def converges(deployed: Deployment, wanted: dict[str, str]) -> Outcome:
    """The next run succeeds, verified; a further one has nothing to do; it is the same host, and nothing is left."""
    began = time.monotonic()
    done = deployed.ok("provision")
    assert deployed.ok("provision", "--no-verify").whys("changed") == []
    print(f"converged in {time.monotonic() - began:.0f} s; the run said: {done.err.strip()[:200]}")
    assert left_over(deployed.host) == {}
    assert difference(wanted, listing(deployed.host)) == []
    return done


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("name", [name for name, point in POINTS.items() if not point.acme])
def test_a_run_that_is_cut_off_is_made_good_by_the_next(name: str, manner: str, ground: Ground, tmp_path: Path) -> None:
    """At this point, in this manner: the tool ends as it should, and the next run makes the same host."""
    with ground.begun(POINTS[name], tmp_path / "inventory") as direct, cut_off(direct, POINTS[name], manner):
        converges(direct, ground.undisturbed)


@pytest.mark.parametrize("manner", MANNERS)
def test_a_run_that_is_cut_off_inside_certbot(manner: str, ground: Ground, tmp_path: Path) -> None:
    """As above, with a CA: one certificate is obtained, by what went on or by the next run."""
    point = POINTS["in certbot"]
    with authority(ground.bed.gateway, tmp_path) as ca:
        tls = f'mode = "letsencrypt"\nacme_server = "{ca.directory_url}"\nacme_ca = "{ca.bundle}"'
        site = f'domain = "{DOMAIN}"\nemail = "you@example.com"\nnameservers = ["{ca.nameserver}"]'
        with ground.begun(point, tmp_path / "inventory", tls=tls, site=site) as direct:
            for name in (DOMAIN, f"api.{DOMAIN}"):
                ca.point(name, direct.host.address)
            with cut_off(direct, point, manner):
                direct.ok("provision")
            assert direct.ok("provision", "--no-verify").recap["changed"] == 0
            assert left_over(direct.host) == {}
            assert len(direct.host.exec("ls /etc/letsencrypt/archive/*/cert*.pem").stdout.split()) == 1


@pytest.mark.parametrize("name", ["in apt-get", "the backend is built"])
def test_ctrl_c_frees_the_lock_and_says_how_to_go_on(name: str, ground: Ground, tmp_path: Path) -> None:
    """Exit 130, the lock free at once, nothing left running; the same command converges."""
    with ground.begun(POINTS[name], tmp_path / "inventory") as deployed:
        run = deployed.start("provision", "--no-verify")
        await_point(deployed, run, POINTS[name].holds)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=JOB_SECONDS)
        assert (run.returncode, "run the same command again" in err) == (130, True), err
        assert deployed.host.exec(f"flock -n {LOCK} true", check=False).returncode == 0
        assert deployed.host.exec(WORKING).stdout == ""
        converges(deployed, ground.undisturbed)


def test_two_runs_at_once(ground: Ground, tmp_path: Path) -> None:
    """The second is refused and told by whom; one that waits finds nothing left to do."""
    point = POINTS["the directories are made"]
    with ground.begun(point, tmp_path / "inventory") as deployed:
        first = deployed.start("provision", "--no-verify")
        await_point(deployed, first, point.holds)
        refused = deployed.json("provision", "--no-verify")
        assert refused.exit_code == 6, refused
        assert "another run holds the lock: " in refused.out
        assert "running 'provision" in refused.out
        waited = deployed.ok("provision", "--no-verify", "--wait", "300")
        out, err = first.communicate(timeout=JOB_SECONDS)
        assert first.returncode == 0, out + err
        assert waited.recap["changed"] == 0


def test_a_run_attaches_to_what_a_killed_one_left_working(ground: Ground, tmp_path: Path) -> None:
    """Killed while apt works: the next run says that it waits for the job, and goes on after it."""
    point = POINTS["dpkg unpacks"]
    with ground.begun(point, tmp_path / "inventory") as deployed:
        first = deployed.start("provision", "--no-verify")
        await_point(deployed, first, point.holds)
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        second = deployed.run("provision")
        assert second.exit_code == 0, second
        assert "waiting for a job of an earlier run that is still running" in second.out + second.err
        converges(deployed, ground.undisturbed)
