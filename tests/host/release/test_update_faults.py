"""Updates that go wrong, under traffic: no request is dropped, one release serves, the next update makes it whole."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.host import TestHost
from tests.host.conftest import APPLICATION
from tests.host.release.conftest import Site
from tests.support.cutting import Cutting
from tests.support.interrupting import LOCK, await_point, through
from tests.support.releasing import API, ROOT, Updated
from tests.support.tool import Outcome
from tests.support.traffic.counts import Counts
from tests.support.traffic.proof import proved_once
from tests.support.traffic.running import BOUNDED, traffic

pytestmark = pytest.mark.full(share=0.1)

OF_BACKEND = "--filter label=com.docker.compose.service=backend-api"
UPSTREAMS = f"{ROOT}/nginx/conf.d/biometric-did.upstreams"
UNREACHED_SECONDS = 5
"""While Docker is restarted."""
SETTINGS = "healthy_within = 20\nsettle = 7\ndrain = 15"

POINTS = {
    "the ref is fetched": "pgrep -f '[g]it .*fetch'",
    "the backend is built": "pgrep -f '[b]uildx build.*backend'",
    "the wallet is built": "pgrep -f '[b]uildx build.*wallet'",
    "the new containers are made": "docker ps -aq --filter status=created | grep -q .",
    "the new backend starts": f"[ $(docker ps -q {OF_BACKEND} | wc -l) = 2 ]",
    "the new ones settle": "pgrep -f '[d]ocker wait'",
    "the proxy is being switched": f"[ -e {UPSTREAMS}.former ]",
    "the proxy is switched": f"[ ! -e {UPSTREAMS}.former ] && ! grep -q backend-api-1: {UPSTREAMS}",
    "the old ones stop": "pgrep -f '[d]ocker stop --time'",
    "the release is recorded": f"[ $(grep -c deployed {ROOT}/.deployer/releases.jsonl) = 2 ]",
}


@contextmanager
def undropped(site: Updated, directory: Path, rate: float) -> Iterator[None]:
    """Under traffic: not one request fails, and every POST runs once."""
    with traffic(site.visitor.address, site.visitor.trusted, directory, rate=rate) as running:
        yield
    _told(site, running.counts)
    assert running.counts.failures == 0


def _told(site: Updated, counts: Counts) -> None:
    print(f"\nfailed requests: {counts.failures}\n{counts.summary()}\n{proved_once(site.visitor, API, counts)}")


def whole(site: Updated) -> str:
    """The version of backend and wallet alike: one release serves, never a mixture."""
    version = site.version
    style = site.visitor.ask(f"{API.removeprefix('api.')}", site.stylesheet).body.decode()
    assert (f"/* {version} */" in style) is (version != "1")
    return version


def converges(site: Updated, version: str) -> None:
    """The next update brings this version, and nothing is left over."""
    site.update()
    assert whole(site) == version
    assert site.update().recap["changed"] == 0
    assert site.left_over == {}


BROKEN: dict[str, tuple[str, dict[str, str | None], int, str]] = {
    "never healthy": ("never_healthy", {}, 4, "is not healthy after 20 s"),
    "ends after 5 s": ("crash_after", {}, 4, "ended within 7 s|does not keep running"),  # the latter on a busy machine
    "does not build": (
        "",
        {"Dockerfile.backend": "FROM python:3.11-slim\nRUN echo no such thing; exit 3\n"},
        1,
        "no such",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_release_that_is_broken(name: str, site: Site, rate: float, tmp_path: Path) -> None:
    """It is refused with its own words, the old one serves, and a mended one is deployed."""
    broken, files, code, said = BROKEN[name]
    updated = site(releases=SETTINGS)
    with undropped(updated, tmp_path, rate):
        updated.commit("2", broken=broken, **files)
        refused = updated.deployment.json("update")
        assert (refused.exit_code, bool(re.search(said, refused.out))) == (code, True), refused.out[-3000:]
        assert whole(updated) == "1"
        assert updated.left_over == {}
        original = (APPLICATION / "Dockerfile.backend").read_text()
        updated.commit("3", **{"Dockerfile.backend": original})
        converges(updated, "3")


@pytest.mark.parametrize("manner", ["killed", "reset"])
@pytest.mark.parametrize("name", POINTS)
def test_an_update_that_is_cut_off(name: str, manner: str, site: Site, rate: float, tmp_path: Path) -> None:
    """The tool is killed, or its connection cut, at this point: one release serves, and the next update converges."""
    updated = site(releases=SETTINGS)
    with undropped(updated, tmp_path, rate):
        updated.commit("2")
        cut_off(updated, name, manner)
        await_jobs(updated.deployment.host)
        failed = [release["why"] for release in updated.releases if release["state"] == "failed"]
        print(f"\n{name}, {manner}: {whole(updated)} serves; refused: {failed}")
        converges(updated, "2")


@pytest.mark.parametrize("name", ["the new backend starts", "the new ones settle", "the proxy is being switched"])
def test_an_update_that_is_broken_off(name: str, site: Site, rate: float, tmp_path: Path) -> None:
    """Ctrl-C: exit 130, the lock free at once, one release serves; a switch that has begun is finished first."""
    updated = site(releases=SETTINGS)
    with undropped(updated, tmp_path, rate):
        updated.commit("2")
        run = updated.deployment.start("update")
        await_point(updated.deployment, run, POINTS[name])
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=120)
        assert (run.returncode, "run the same command again" in err) == (130, True), out + err
        updated.deployment.host.exec(f"flock -n {LOCK} true")
        print(f"\n{name}, Ctrl-C: {whole(updated)} serves")
        converges(updated, "2")


def cut_off(updated: Updated, name: str, manner: str) -> None:
    host = updated.deployment.host
    with Cutting(host.address, host.port) as line:
        run = through(line, updated.deployment).start("update")
        await_point(updated.deployment, run, POINTS[name])
        if manner == "killed":
            os.killpg(run.pid, signal.SIGKILL)
        else:
            line.reset()
        out, err = run.communicate(timeout=60)
    expected = -signal.SIGKILL if manner == "killed" else 3
    assert run.returncode == expected, Outcome(run.returncode, out, err)


def await_jobs(host: TestHost) -> None:
    """What a run left working goes on to its end."""
    host.exec(f"timeout 180 bash -c 'until flock -n {LOCK} true; do sleep 0.2; done'", seconds=200)


def test_a_full_disk_during_the_build(site: Site, rate: float, tmp_path: Path) -> None:
    """Docker's disk runs full while the image is built: the old release serves, and a smaller one is deployed."""
    updated = site(releases=SETTINGS)
    with small_disk(updated.deployment.host), undropped(updated, tmp_path, rate):
        dockerfile = (APPLICATION / "Dockerfile.backend").read_text()
        updated.commit("2", **{"Dockerfile.backend": f"{dockerfile}\nRUN head -c 6G /dev/zero >/tmp/large\n"})
        refused = updated.deployment.json("update")
        assert (refused.exit_code, "o space left" in refused.out) == (1, True), refused.out[-3000:]
        assert whole(updated) == "1"
        updated.commit("3", **{"Dockerfile.backend": dockerfile})
        converges(updated, "3")


@contextmanager
def small_disk(host: TestHost) -> Iterator[None]:
    """Docker's data in 4 GB of memory: what a build needs at least is free, and soon used up."""
    host.exec(
        "set -e; docker stop $(docker ps -q); systemctl stop docker.socket docker.service containerd.service\n"
        "mkdir /var/tmp/docker; mount -t tmpfs -o size=4G tmpfs /var/tmp/docker\n"
        "cp -a /var/lib/docker/. /var/tmp/docker/; mount --bind /var/tmp/docker /var/lib/docker\n"
        "systemctl start containerd.service docker.service; docker start $(docker ps -aq)\n"
        "timeout 60 bash -c 'until docker exec biometric-did-backend-api-1 true; do sleep 0.2; done'\n"
        "[ $(stat -f -c %T /var/lib/docker) = tmpfs ]",
        seconds=300,
    )
    try:
        yield
    finally:
        host.exec(
            "systemctl stop docker.socket docker.service containerd.service; umount -l /var/lib/docker", check=False
        )


def test_docker_is_restarted(site: Site, tmp_path: Path) -> None:
    """While the new containers settle: all live on (live-restore), the update is waited for and brought to its end.

    Docker's rules for ports are gone for a moment: some visitors reach nobody then, but nobody gets a wrong answer.
    """
    updated = site(releases=SETTINGS)
    with traffic(updated.visitor.address, updated.visitor.trusted, tmp_path) as running:
        updated.commit("2")
        run = updated.deployment.start("update", "--json")
        await_point(updated.deployment, run, POINTS["the new ones settle"])
        updated.deployment.host.exec("systemctl restart docker.service")
        out, err = run.communicate(timeout=400)
        assert run.returncode == 0, out + err
        assert whole(updated) == "2"
        assert updated.update().recap["changed"] == 0
        assert updated.left_over == {}
    counts = running.counts
    _told(updated, counts)
    assert set(counts.statuses) <= {"101", "200"}
    assert counts.failures <= UNREACHED_SECONDS * BOUNDED
