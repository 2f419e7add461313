"""Off-site copies on a real host: made, kept and checked there, through every way in which a repository is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.host import TestHost
from testbed.origin import Repository
from tests.support.copying import (
    BACKUPS,
    PASSWORD,
    REPOSITORY,
    STATE,
    WRAPPER,
    Copied,
    digests,
    inventory_text,
    key_of_root,
    output_of,
    verdicts,
)
from tests.support.tool import booted, deployment

pytestmark = pytest.mark.in_turn

BOTH = {"host_program": "unchanged", "backup": "changed", "off-site snapshots": "changed"}
COPY_FAILED = {"host_program": "unchanged", "backup": "changed", "off-site snapshots": "failed"}
AWAIT_LOCK = f"until ls {REPOSITORY}/locks | grep -q -v tmp; do sleep 0.05; done"
"""A lock that restic has written completely: it gets its name then."""


@pytest.fixture(scope="module")
def copied(
    bed: Bed, repository: Repository, half_way: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copied]:
    directory: Path = tmp_path_factory.mktemp("offsite")
    with booted(bed, "offsite", from_snapshot=half_way) as host:
        site = Copied(deployment(directory, host, bed, repository, extra=inventory_text(keep_min=2)))
        site.supply(PASSWORD)
        site.deployment.ok("provision", "--no-verify")
        yield site


@pytest.fixture
def elsewhere(bed: Bed) -> Iterator[TestHost]:
    with booted(bed, "elsewhere") as host:
        yield host


def test_first_and_second(copied: Copied) -> None:
    """Nothing is left to provision; the first backup makes the repository, each backup copies only what is new."""
    assert copied.provisioned() == []
    assert copied.host.exec(f"stat -c '%a %U' {STATE}/offsite.env").stdout.strip() == "600 root"
    assert "RESTIC" not in copied.host.exec("cat /opt/biometric-did/.env").stdout
    assert len(copied.deployment.ok("backup", "--dry-run").whys("would change")) == 4
    assert copied.host.exec(f"ls {BACKUPS}").stdout == ""
    assert verdicts(copied.backup()) == BOTH
    assert copied.there == copied.local
    (first,) = copied.local
    said = copied.as_cron()
    assert said.returncode == 0
    (second,) = set(copied.local) - {first}
    assert said.stdout.count("off-site: copied ") == 1
    assert f"off-site: copied {second}" in said.stdout
    assert copied.there == [first, second]


def test_retention(copied: Copied) -> None:
    """What is old goes there as it does here; the newest stay, however old."""
    assert verdicts(copied.backup()) == BOTH
    old = [copied.aged(days) for days in (50, 40)]
    pushed = copied.on_host("push", keep_days=1000)
    assert pushed.returncode == 0, pushed.stdout
    assert copied.there == [*old, *(each for each in copied.there if each not in old)]
    assert verdicts(copied.backup()) == BOTH
    assert copied.there == copied.local
    assert not set(old) & set(copied.there)


def test_away_for_days(copied: Copied) -> None:
    """The backup counts, the copy is told to have failed, no other repository is made instead; all follow later."""
    copied.host.exec(f"mv {REPOSITORY} /mnt/away")
    before = copied.local
    first = copied.backup()
    assert (first.exit_code, verdicts(first)) == (1, COPY_FAILED)
    assert "the local backup is complete; copying it off-site failed: the repository is gone" in output_of(first)
    logged = copied.as_cron()
    assert logged.returncode == 1
    assert "the local backup is complete; copying it off-site failed: " in logged.stdout.splitlines()[-1]
    assert copied.deployment.json("backups", "--offsite").exit_code == 1
    assert len(copied.local) == len(before) + 2
    assert copied.host.exec(f"ls {REPOSITORY}", check=False).stdout == ""
    copied.host.exec(f"mv /mnt/away {REPOSITORY}")
    assert verdicts(copied.backup()) == BOTH
    assert copied.there == copied.local
    assert len(copied.local) == len(before) + 3


def test_stale_lock(copied: Copied) -> None:
    """A restic that was killed in mid-backup leaves its lock; the next backup does not mind."""
    copied.host.exec(
        f"mkfifo /run/held; (exec 7<>/run/held; exec {STATE}/bin/restic backup --stdin <&7 >/dev/null 2>&1) & "
        f"timeout 60 bash -c '{AWAIT_LOCK}'; kill -9 $(pidof -s restic); rm /run/held"
    )
    assert copied.host.exec(f"ls {REPOSITORY}/locks").stdout
    outcome = copied.backup()
    assert verdicts(outcome) == BOTH, output_of(outcome)
    assert copied.host.exec(f"ls {REPOSITORY}/locks").stdout == ""


def test_password(copied: Copied) -> None:
    """One that is not the repository's is refused before it replaces the right one; after `restic key` it is taken."""
    copied.supply("another-one-0815")
    refused = copied.deployment.json("provision", "--no-verify")
    assert refused.exit_code == 1
    assert "the new RESTIC_PASSWORD is not used" in output_of(refused)
    assert "restic key passwd" in output_of(refused)
    assert verdicts(copied.backup()) == BOTH
    copied.host.exec("echo another-one-0815 >/root/new")
    copied.restic("key passwd --new-password-file /root/new")
    told = copied.as_cron()
    assert told.returncode == 1
    assert "RESTIC_PASSWORD is not the repository's" in told.stdout.splitlines()[-1]
    assert copied.provisioned() == ["offsite"]
    assert verdicts(copied.backup()) == BOTH


def test_weekly_check(copied: Copied) -> None:
    """Once a week, a quarter of the data each time: a flipped byte is found within four, and said at every backup."""
    copied.check_is_due()
    assert "off-site: checked, and read quarter" in copied.as_cron().stdout
    assert "checked" not in copied.as_cron().stdout
    pack = copied.host.exec(f"find {REPOSITORY}/data -type f | head -n 1").stdout.strip()
    copied.host.exec(
        f"cp -a {pack} /root/pack; chmod u+w {pack}; printf '\\377\\377' | dd of={pack} bs=1 seek=9 conv=notrunc"
    )
    found: list[str] = []
    while len(found) < 4 and not any("finds the repository damaged" in said for said in found):
        copied.check_is_due()
        found.append(copied.as_cron().stdout)
    assert "copying it off-site failed: restic check finds the repository damaged" in found[-1].splitlines()[-1]
    assert copied.backup().exit_code == 1
    copied.host.exec(f"cp -a /root/pack {pack}")
    assert verdicts(copied.backup()) == BOTH


def test_no_secret_is_seen(copied: Copied) -> None:
    """Neither in an argument of any process while restic works, nor in what is told or logged."""
    copied.supply(PASSWORD)
    copied.host.write("/root/new", PASSWORD, "600")
    copied.restic("key passwd --new-password-file /root/new")
    copied.host.write("/usr/local/bin/restic", WRAPPER, "755")
    told = copied.deployment.run("provision", "--no-verify", "--diff", "-v")
    told_by_backup = copied.deployment.run("backup", "-v")
    listed = copied.deployment.run("backups", "--offsite", "-v")
    logged = copied.as_cron().stdout
    copied.host.exec("rm /usr/local/bin/restic")
    seen = copied.host.exec("cat /run/seen").stdout
    assert seen.count("restic --quiet backup") >= 2
    for text in (seen, logged, *(outcome.out + outcome.err for outcome in (told, told_by_backup, listed))):
        assert "open-sesame" not in text
    assert (told.exit_code, told_by_backup.exit_code, listed.exit_code) == (0, 0, 0)


def test_fetch(copied: Copied) -> None:
    """What lies here no more, or damaged, comes back byte for byte; what is whole is left alone."""
    newest = copied.local[-1]
    before = digests(copied.host, f"{BACKUPS}/{newest}")
    inode = copied.host.exec(f"stat -c %i {BACKUPS}/{newest}").stdout
    assert "already, and intact" in copied.on_host("fetch", "latest").stdout
    assert copied.host.exec(f"stat -c %i {BACKUPS}/{newest}").stdout == inode
    copied.host.exec(f"truncate -s 5 {BACKUPS}/{newest}/*_volumes.*")
    assert f"fetched {newest}" in copied.on_host("fetch", newest).stdout
    assert digests(copied.host, f"{BACKUPS}/{newest}") == before
    copied.host.exec(f"rm -r {BACKUPS}/{newest}")
    fetched = copied.on_host("fetch", "latest")
    assert fetched.returncode == 0, fetched.stdout
    assert digests(copied.host, f"{BACKUPS}/{newest}") == before
    unknown = copied.on_host("fetch", "biometric-did_19990101_000000")
    assert unknown.returncode == 1
    assert newest in unknown.stdout


def test_over_sftp(copied: Copied, elsewhere: TestHost) -> None:
    """To another host, whose sshd stops for two backups; then a bare host fetches what it needs."""
    key, home = key_of_root(copied.host), "/home/deploy"
    elsewhere.exec(f"cat >>{home}/.ssh/authorized_keys", stdin=key.encode())
    repository = f"sftp:deploy@{elsewhere.address}:{home}/copies"
    copied.go_to(repository)
    assert "offsite" in copied.provisioned()
    assert "Host key verification failed" in output_of(copied.backup())
    copied.host.exec("cat >>/root/.ssh/known_hosts", stdin=elsewhere.known_hosts_line.encode())
    assert verdicts(copied.backup()) == BOTH
    assert copied.there == copied.local
    elsewhere.exec("systemctl stop ssh.service ssh.socket; pkill -x sshd || true", check=False)
    for _ in range(2):
        outcome = copied.backup()
        assert (outcome.exit_code, verdicts(outcome)) == (1, COPY_FAILED)
        assert "the repository does not open" in output_of(outcome)
    elsewhere.exec("systemctl start ssh.service")
    elsewhere.wait_ready()
    assert verdicts(copied.backup()) == BOTH
    assert copied.there == copied.local
    elsewhere.exec("apt-get update -q && apt-get install -qy --no-install-recommends restic zstd python3", seconds=300)
    env = copied.host.exec(f"cat {STATE}/offsite.env").stdout.replace(repository, f"{home}/copies")
    elsewhere.write(f"{STATE}/offsite.env", env, "600")
    fetched = copied.on_host("fetch", "latest", host=elsewhere)
    assert fetched.returncode == 0, fetched.stdout
    assert digests(elsewhere, f"{BACKUPS}/{copied.local[-1]}") == digests(copied.host, f"{BACKUPS}/{copied.local[-1]}")
