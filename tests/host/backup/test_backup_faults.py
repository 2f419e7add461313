"""Backups that are refused or fail: with a reason, nobody left standing still, nothing left over."""

import signal
from collections.abc import Iterator

import pytest

from testbed.bed import Bed
from testbed.origin import Repository
from tests.support.backing import BACKUPS, PROGRAM, Site
from tests.support.interrupting import await_point
from tests.support.releasing import ROOT
from tests.support.tool import booted, deployment

pytestmark = pytest.mark.in_turn


@pytest.fixture(scope="module")
def site(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with booted(bed, "failing", from_snapshot=provisioned_snapshot) as host:
        made = Site(deployment(tmp_path_factory.mktemp("inventory"), host, bed, repository))
        made.await_backend()  # a container that starts makes the directory of its volume again
        yield made


class TestNothingToBackUp:
    def test_missing(self, site: Site) -> None:
        """The directory is gone: said so, before anything is paused; a dry run says the same."""
        site.sh(f"mv {ROOT}/data {ROOT}/data.away")
        try:
            assert f"nothing to back up: {ROOT}/data is missing" in site.refused()
            assert f"nothing to back up: {ROOT}/data is missing" in site.refused("--dry-run")
        finally:
            site.sh(f"mv {ROOT}/data.away {ROOT}/data")

    def test_empty(self, site: Site) -> None:
        """No file at all (F4)."""
        with site.mounted("-t tmpfs tmpfs", f"{ROOT}/data"), site.mounted("-t tmpfs tmpfs", f"{ROOT}/logs"):
            assert "nothing to back up: no file below" in site.refused()


class TestDisk:
    def test_too_little_room(self, site: Site) -> None:
        """Known before; what helps is said."""
        with site.mounted("-t tmpfs -o size=5m,mode=700 tmpfs", BACKUPS):
            said = site.refused()
        assert f"not enough disk space in {BACKUPS}" in said
        assert "backup.keep_days" in said

    def test_full_while_writing(self, site: Site) -> None:
        """Though the estimate, by a last backup that could be compressed well, said that it would do."""
        large = f"{ROOT}/data/large"
        with site.mounted("-t tmpfs -o size=120m,mode=700 tmpfs", BACKUPS):
            site.sh(f"head -c 60000000 /dev/zero >{large}")
            site.backup()
            site.sh(f"head -c 150000000 /dev/urandom >{large}")
            said = site.refused()
            site.sh(f"rm {large}")
            site.backup()
        assert "No space left on device" in said


class TestPause:
    def test_docker_is_down(self, site: Site) -> None:
        """Its containers run on and write: no backup, and the way to look into it."""
        site.sh("systemctl stop docker.socket docker.service")
        try:
            outcome = site.deployment.run("backup")
        finally:
            site.sh("systemctl start docker.service docker.socket")
        assert outcome.exit_code == 1
        assert "Docker does not answer, so the application cannot be paused" in outcome.err
        assert site.left_over == ""

    def test_it_cannot_be_paused(self, site: Site) -> None:
        """With Docker's words."""
        with site.docker("echo no cgroup >&2; exit 1"):
            assert "could not be paused: no cgroup" in site.refused()

    def test_ctrl_c_while_they_stand_still(self, site: Site) -> None:
        """Exit 130; they go on, and nothing is left."""
        with site.docker('/usr/bin/docker "$@"; touch /tmp/paused; sleep 25; exit 1'):
            run = site.deployment.start("backup")
            await_point(site.deployment, run, "[ -e /tmp/paused ]")
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=60)
            assert run.returncode == 130, out + err
            assert site.left_over == ""
        site.backup()

    def test_a_script_that_is_killed(self, site: Site) -> None:
        """SIGKILL while they stand still: the timer lets them go on, the next backup clears away."""
        kill = 'systemctl kill --signal=KILL "$(sed -n "s|.*/||p" /proc/self/cgroup | tail -n 1)"'
        with site.docker(f'/usr/bin/docker "$@"; docker ps -q --filter status=paused >/tmp/paused; {kill}; sleep 5'):
            outcome = site.deployment.run("backup")
            assert (outcome.exit_code, site.sh("wc -l </tmp/paused").strip()) == (1, "1"), outcome
            site.await_backend()
        assert f"{BACKUPS}/.b" in site.left_over
        site.backup()
        assert site.left_over == ""


def test_cron_gives_up_a_lock_that_is_not_given(site: Site) -> None:
    """After its ten minutes, here none: exit 6, with a line in the log, and no backup."""
    before = site.known
    impatient = f"sed 's/^lock_seconds=600$/lock_seconds=1/' {PROGRAM} >/tmp/impatient"
    held = "flock /run/deployer/biometric-did.lock bash /tmp/impatient; echo ended with $?"
    said = site.sh(f"{impatient} && {held}")
    assert "another run holds the lock: backup was skipped\nended with 6" in said
    assert site.known == before
