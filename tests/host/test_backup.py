"""Backups on a real host: of one instant under load, failing without a trace, made by cron, for root alone."""

import json
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host.bed.bed import Bed
from tests.host.bed.origin import Repository
from tests.host.conftest import APPLICATION
from tests.host.interrupting import await_point
from tests.host.releasing import API, ROOT, visitor_of
from tests.host.tool import Deployment, Event, Outcome, booted, deployment
from tests.host.traffic.proof import proved_once
from tests.host.traffic.running import traffic

BACKUPS = "/backups/biometric-did"
PROGRAM = f"{ROOT}/.deployer/bin/backup"
LOG = "/var/log/biometric-did-backup.log"
BACKEND = "--filter label=com.docker.compose.service=backend-api"
GAP = 0.004
"""Seconds between the two writes of a record: what a careless copy tears apart."""
IN_A_ROW = 8
CARELESS = 20
WRAPPER = "/usr/local/bin/docker"
CRON_SECONDS = 150
"""cron looks once a minute."""
TIMER_SECONDS = 45
"""The timer's 30, and some for a busy machine."""


@dataclass(frozen=True)
class Site:
    """A provisioned host that writes slowly enough to be caught in the act."""

    deployment: Deployment

    def sh(self, command: str, *, check: bool = True) -> str:
        return self.deployment.host.exec(command, check=check, seconds=300).stdout

    def backup(self) -> Event:
        """Make one; gives what `backups` tells of it."""
        self.deployment.ok("backup")
        return self.known[-1]

    @property
    def known(self) -> list[Event]:
        return [event for event in self.deployment.ok("backups").events if event["event"] == "backup"]

    def refused(self, *words: str) -> str:
        """The last line of the host in a backup that fails; everybody runs on, and nothing is left."""
        before = self.known
        outcome = self.deployment.run("backup", *words)
        assert outcome.exit_code == 1, outcome
        assert self.left_over == ""
        assert self.known == before
        return outcome.err

    @property
    def left_over(self) -> str:
        """What a failed backup must not leave: a pause, a timer, half of one, copies set aside."""
        return self.sh(
            f"docker ps -q --filter status=paused; systemctl list-timers --all | grep unpause; ls -d {BACKUPS}/.b*; "
            f"ls -d {ROOT}/.deployer/staged /run/deployer-biometric-did.backup 2>/dev/null; true"
        )

    @contextmanager
    def docker(self, pause: str) -> Iterator[None]:
        """`docker pause` does this instead, in front of PATH."""
        text = f'#!/bin/bash\ncase $1 in pause)\n{pause}\n;; esac\nexec /usr/bin/docker "$@"\n'
        self.deployment.host.write(WRAPPER, text, mode="755")
        try:
            yield
        finally:
            self.sh(f"rm -f {WRAPPER} /tmp/paused /tmp/go")

    @contextmanager
    def mounted(self, what: str, at: str) -> Iterator[None]:
        self.sh(f"mkdir -p {at} && mount {what} {at}")
        try:
            yield
        finally:
            self.sh(f"umount {at}")


@pytest.fixture(scope="module")
def site(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with booted(bed, "backup", from_snapshot=provisioned_snapshot) as host:
        environment = f'FIXTURE_GAP = "{GAP}"'
        made = deployment(tmp_path_factory.mktemp("inventory"), host, bed, repository, environment=environment)
        made.ok("provision", "--no-verify")
        host.write("/tmp/records.py", (APPLICATION / "src" / "records.py").read_text())
        yield Site(made)


def consistent(site: Site, unpack: str) -> dict[str, int]:
    """What the application's own check says of data that this command unpacks into the working directory."""
    said = site.sh(
        f"rm -rf /tmp/copy && mkdir /tmp/copy && cd /tmp/copy && {{ {unpack}; }} && python3 /tmp/records.py data",
        check=False,
    )
    return {str(name): int(count) for name, count in json.loads(said).items()}


def test_every_backup_under_load_is_of_one_instant(site: Site, tmp_path: Path) -> None:
    """One after the other while 16 clients write: each is consistent, no request fails; a plain tar is torn apart.

    The pause that each cost is printed.
    """
    visitor = visitor_of(site.deployment, tmp_path)
    made: list[Event] = []
    with traffic(visitor.address, visitor.trusted, tmp_path) as running:
        for _ in range(IN_A_ROW):
            made.append(site.backup())
        careless = [consistent(site, f"tar -C {ROOT} -cf - data | tar -xf -") for _ in range(CARELESS)]
    checks = [consistent(site, f"tar --zstd -xpf {BACKUPS}/{one['id']}/{one['id']}_volumes.tar.zst") for one in made]
    torn = sum(not check["consistent"] for check in careless)
    print(f"\nstood still: {', '.join(str(one['still']) for one in made)} s")
    print(f"records in the backups: {[check['records'] for check in checks]}")
    print(f"a plain tar of the live data was torn apart {torn} times of {CARELESS}")
    print(f"{running.counts.summary()}\n{proved_once(visitor, API, running.counts)}")
    assert [check for check in checks if not check["consistent"]] == []
    assert checks[-1]["records"] > checks[0]["records"] > 0
    assert running.counts.failures == 0
    assert torn > 0
    assert site.left_over == ""


def test_a_backup_does_not_make_the_site_look_ill(site: Site) -> None:
    """Docker calls a container unhealthy that was paused, until its next check: nobody is alarmed, nothing replaced."""
    site.backup()
    assert "unhealthy" in site.sh(f"docker ps {BACKEND}")
    last = site.deployment.ok("status").events[0]["last_backup"]
    assert isinstance(last, dict)
    assert last["id"] == site.known[-1]["id"]
    assert site.deployment.ok("provision", "--no-verify").recap["changed"] == 0


def test_for_root_alone_and_without_secrets(site: Site) -> None:
    """0600 and 0700; no value of a secret in what is told, in the manifest, in the log."""
    outcomes: list[Outcome] = [site.deployment.run(*words) for words in (("backup",), ("backups",), ("status",))]
    outcomes += [site.deployment.json(*words) for words in (("backup",), ("backups", "--verify"))]
    site.sh(f"{PROGRAM} >>{LOG} 2>&1")
    said = "".join(outcome.out + outcome.err for outcome in outcomes) + site.sh(f"cat {LOG} {BACKUPS}/*/manifest.json")
    secrets = site.sh(f"grep -E '(SECRET|KEY|PASSWORD).*=' {ROOT}/.env | cut -d= -f2-").split()
    assert len(secrets) >= 2
    assert [secret for secret in secrets if secret.strip("'\"") in said] == []
    assert site.sh(f"find {BACKUPS} -type f ! '(' -perm 0600 -user root ')'") == ""
    assert site.sh(f"find {BACKUPS} -type d ! '(' -perm 0700 -user root ')'") == ""


def test_a_damaged_one_is_found(site: Site) -> None:
    """`backups --verify` reads all: exit 1, and its name; the others are sound."""
    one = str(site.backup()["id"])
    byte = f"{BACKUPS}/{one}/{one}_config.tar.zst"
    site.sh(f"cp -a {byte} /tmp/kept && printf '\\377' | dd of={byte} bs=1 seek=100 conv=notrunc status=none")
    outcome = site.deployment.json("backups", "--verify")
    site.sh(f"mv /tmp/kept {byte}")
    assert outcome.exit_code == 1
    told = {event["id"]: event["said"] for event in outcome.events if event["event"] == "verified"}
    assert [name for name, said in told.items() if said] == [one]
    assert f"{one}_config.tar.zst is not what was written" in str(told[one])
    assert site.deployment.ok("backups", "--verify").exit_code == 0


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
        assert f"not enough room in {BACKUPS}" in said
        assert "backup.keep_days" in said

    def test_full_while_writing(self, site: Site) -> None:
        """Though the estimate, by a last backup that could be compressed well, said that it would do."""
        large = f"{ROOT}/data/large"
        with site.mounted("-t tmpfs -o size=80m,mode=700 tmpfs", BACKUPS):
            site.sh(f"head -c 60000000 /dev/zero >{large}")
            site.backup()
            site.sh(f"head -c 90000000 /dev/urandom >{large}")
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
        assert "Docker does not answer, so the application cannot be held still" in outcome.err
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
        awaited = f"docker ps {BACKEND} --filter status=running -q | grep -q ."
        site.sh(f"timeout {TIMER_SECONDS} bash -c 'until {awaited}; do sleep 0.2; done'")
        assert f"{BACKUPS}/.b" in site.left_over
        site.backup()
        assert site.left_over == ""


def reschedule(site: Site, schedule: str) -> None:
    """Move the backups of the inventory, and bring the host there."""
    path = site.deployment.inventory / "web.toml"
    text = "\n".join(line for line in path.read_text().splitlines() if "schedule" not in line and line != "[backup]")
    path.write_text(f'{text}\n[backup]\nschedule = "{schedule}"\n')
    site.deployment.ok("provision", "--no-verify")


def await_on_host(site: Site, holds: str, seconds: int = CRON_SECONDS) -> None:
    site.sh(f"timeout {seconds} bash -c {shlex.quote(f'until {holds}; do sleep 0.1; done')}")


def test_cron_makes_them(site: Site) -> None:
    """With its own PATH and under the lock, whose holder is named; its log has times, and is rotated."""
    number = len(site.known)
    hold = "touch /tmp/paused; timeout 20 bash -c 'until [ -e /tmp/go ]; do sleep 0.05; done'"
    with site.docker(hold):
        reschedule(site, "* * * * *")
        site.sh(f"rm -f {LOG}")
        await_on_host(site, "[ -e /tmp/paused ]")
        update = site.deployment.run("update")
        manual = site.deployment.json("backup")
        site.sh("touch /tmp/go")
        assert (update.exit_code, manual.exit_code) == (6, 6), update
        assert "another run holds the lock: cron@" in update.err
        assert ", running 'backup' since 20" in update.err
        await_on_host(site, f"[ $(ls -d {BACKUPS}/b* | wc -l) -gt {number} ]")
    first = site.sh(f"cat {LOG}")
    assert all(line[:2] == "20" and line[19:21] == "Z " for line in first.splitlines()), first
    site.sh("logrotate -f /etc/logrotate.d/biometric-did")
    assert site.sh(f"zcat {LOG}.1.gz").startswith(first)
    assert site.sh(f"stat -c '%a %U %G' {LOG}").strip() == "640 root adm"
    await_on_host(site, f"grep -q 'Z backup biometric-did_' {LOG}")
    reschedule(site, "0 2 * * *")
    assert site.left_over == ""


def test_cron_gives_up_a_lock_that_is_not_given(site: Site) -> None:
    """After its ten minutes, here none: exit 6, with a line in the log, and no backup."""
    before = site.known
    impatient = f"sed 's/^lock_seconds=600$/lock_seconds=1/' {PROGRAM} >/tmp/impatient"
    held = "flock /run/lock/deployer-biometric-did.lock bash /tmp/impatient; echo ended with $?"
    said = site.sh(f"{impatient} && {held}")
    assert "another run holds the lock: no backup now\nended with 6" in said
    assert site.known == before
