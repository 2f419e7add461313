"""Jobs that are broken off themselves (Ctrl-C, a reboot, no power), and holders of the lock that died."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.digest import difference
from testbed.host import READY_SECONDS, TestHost
from testbed.origin import Repository
from testbed.shell import docker
from tests.host.conftest import Boot
from tests.host.provision.test_interrupted import (
    JOB_SECONDS,
    WORKING,
    Point,
    left_over,
)
from tests.support.interrupting import LOCK, await_point
from tests.support.listing import listing
from tests.support.tool import Deployment, deployment

pytestmark = pytest.mark.in_turn

BACKENDS = "docker ps -q --filter label=com.docker.compose.service=backend-api"
LOOKED_AT = "docker ps -aq --filter label=com.docker.compose.project=biometric-did-look"
REMOVE_IMAGES = (
    "docker rm -f $(docker ps -aq --filter label=com.docker.compose.service={service}); "
    "docker rmi -f $(docker image ls -q biometric-did-{image} | sort -u); docker builder prune -af"
)
HOLDER = f"{LOCK}.holder"
HOLDER_SECONDS = 45
"""A host gives a silent operator 30, and some for a busy machine."""


@dataclass(frozen=True)
class Ground:
    """Hosts and inventories for the cases of this file."""

    boot: Boot
    bed: Bed
    repository: Repository
    provisioned: str
    directory: Path
    undisturbed: dict[str, str]

    def host(self, *, fresh: bool) -> TestHost:
        return self.boot("broken", from_snapshot="" if fresh else self.provisioned)

    def deployed(self, host: TestHost, **changed: str) -> Deployment:
        """An inventory for where the host is now: a reboot can give it another address."""
        number = len(list(self.directory.glob("inventory-*")))
        return deployment(self.directory / f"inventory-{number}", host, self.bed, self.repository, **changed)


@pytest.fixture
def ground(
    boot: Boot,
    bed: Bed,
    repository: Repository,
    provisioned_snapshot: str,
    undisturbed: dict[str, str],
    tmp_path: Path,
) -> Ground:
    return Ground(boot, bed, repository, provisioned_snapshot, tmp_path, undisturbed)


def in_sync(deployed: Deployment) -> None:
    """Nothing to do, and nothing left behind."""
    assert deployed.ok("provision", "--no-verify").recap["changed"] == 0
    assert left_over(deployed.host) == {}


def press_ctrl_c(deployed: Deployment, point: Point) -> str:
    """Break a run off at this point, as a person does: how that ends. Gives what it said."""
    run = deployed.start("provision", "--no-verify")
    await_point(deployed, run, point.holds)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=JOB_SECONDS)
    assert run.returncode == 130, err
    assert deployed.host.exec(f"flock -n {LOCK} true", check=False).returncode == 0
    assert deployed.host.exec(WORKING).stdout == ""
    return err


@dataclass(frozen=True)
class Broken:
    """A moment inside a job; `before` is done to a provisioned host first, nothing to a `fresh` one."""

    point: Point
    fresh: bool = False
    before: str = "true"


BROKEN = {
    "dpkg has unpacked Docker": Broken(Point("[ -e /usr/sbin/dockerd ]"), fresh=True),
    "a job is laid down": Broken(
        Point("[ -e /run/deployer/biometric-did/1/complete ]"), before="apt-get -qq purge -y git"
    ),
    "the backend is built": Broken(
        Point("pgrep -f '[b]uildx build.*backend'"), before=REMOVE_IMAGES.format(service="backend-api", image="backend")
    ),
    "the wallet's files are searched": Broken(
        Point(f"{LOOKED_AT} | grep -q ."), before=REMOVE_IMAGES.format(service="demo-wallet", image="wallet")
    ),
    "the backend starts": Broken(Point(f"{BACKENDS} | grep -q ."), before=f"docker rm -f $({BACKENDS})"),
}


@pytest.mark.full
@pytest.mark.parametrize("manner", ["Ctrl-C", "rebooted", "without power"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_job_that_is_broken_off_is_made_good_by_the_next_run(name: str, manner: str, ground: Ground) -> None:
    """Not the connection but the work itself ends at this point: the next run makes the same host."""
    broken = BROKEN[name]
    host = ground.host(fresh=broken.fresh)
    deployed = ground.deployed(host)
    if not broken.fresh:
        host.exec(broken.before)
    if manner == "Ctrl-C":
        assert "run the same command again" in press_ctrl_c(deployed, broken.point)
    else:
        run = deployed.start("provision", "--no-verify")
        await_point(deployed, run, broken.point.holds)
        restart(host, without_warning=manner == "without power")
        _, err = run.communicate(timeout=JOB_SECONDS)
        assert (run.returncode, "was lost" in err) == (3, True), err
    deployed = ground.deployed(host)
    deployed.ok("provision")
    in_sync(deployed)
    assert difference(ground.undisturbed, listing(host)) == []


def restart(host: TestHost, *, without_warning: bool) -> None:
    if without_warning:
        docker("kill", host.id, seconds=READY_SECONDS)
    host.reboot()


@contextmanager
def held(deployed: Deployment) -> Iterator["subprocess.Popen[str]"]:
    """A run that has the lock and does nothing any more: its process is stopped."""
    run = deployed.start("provision", "--no-verify")
    try:
        await_point(deployed, run, f"[ -e {HOLDER} ]")
        run.send_signal(signal.SIGSTOP)
        yield run
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def test_a_lock_is_held_as_long_as_its_holder_lives(provisioned: Deployment) -> None:
    """Another run is told who holds it; a dead holder holds nothing; one who says nothing loses it after 30 s."""
    free = f"flock -n {LOCK} true"
    with held(provisioned):
        refused = provisioned.json("provision", "--no-verify")
        assert refused.exit_code == 6, refused
        assert "another run holds the lock: " in refused.out
        assert provisioned.host.exec(free, check=False).returncode == 1
        provisioned.host.exec(f"kill -9 $(head -n 1 {HOLDER} | cut -d' ' -f1); timeout 5 flock {LOCK} true")
        provisioned.ok("provision", "--no-verify")
    with held(provisioned):
        provisioned.host.exec(f"timeout {HOLDER_SECONDS} flock {LOCK} true")
        provisioned.ok("provision", "--no-verify")


def test_a_repair_waits_for_another_apt(provisioned: Deployment) -> None:
    """A package that is unpacked only, while something else holds dpkg's lock: the run waits, then mends it."""
    host = provisioned.host
    host.exec("cd /tmp && apt-get -qq update && apt-get -qq download bc && dpkg --unpack bc_*.deb")
    assert host.exec("dpkg --audit").stdout
    host.lock_apt()
    run = provisioned.start("provision", "--no-verify")
    await_point(provisioned, run, "grep -qs waiting /run/deployer/biometric-did/1/output")
    host.unlock_apt()
    out, err = run.communicate(timeout=JOB_SECONDS)
    assert run.returncode == 0, out + err
    assert host.exec("dpkg --audit").stdout == ""


def test_what_has_not_begun_at_ctrl_c_does_not_begin(ground: Ground) -> None:
    """systemd takes six seconds to start the job: the run says that nothing runs any more, and means it."""
    host = ground.host(fresh=False)
    slow = '#!/bin/sh\ntouch /tmp/asked\nsleep 6\nexec /usr/bin/systemd-run "$@"\n'
    host.write("/usr/local/sbin/systemd-run", slow, "755")
    host.exec("apt-get -qq purge -y git")
    press_ctrl_c(ground.deployed(host), Point("[ -e /tmp/asked ]"))
    assert host.exec("command -v git", check=False).stdout == ""
    host.exec("rm /usr/local/sbin/systemd-run")
    ground.deployed(host).ok("provision", "--no-verify")
    in_sync(ground.deployed(host))
