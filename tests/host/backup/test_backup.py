"""Backups on a real host: of one instant under load, read again, made by cron, for root alone."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import Repository
from tests.host.conftest import APPLICATION
from tests.support.backing import BACKEND, BACKUPS, PROGRAM, Site
from tests.support.releasing import API, ROOT, visitor_of
from tests.support.tool import Event, Outcome, booted, deployment
from tests.support.traffic.proof import proved_once
from tests.support.traffic.running import traffic

pytestmark = pytest.mark.in_turn

LOG = "/var/log/biometric-did-backup.log"
GAP = 0.004
"""Seconds between the two writes of a record: what a careless copy tears apart."""
BETWEEN = f"{ROOT}/data/records-ab.bin"
"""Lies between the two files that records go to, and is large: what is read one after the other is read longer."""
IN_A_ROW = 8
CARELESS = f"""\
first() {{ stat -c %s {ROOT}/data/records-a.jsonl; }}; second() {{ wc -l <{ROOT}/data/records-b.jsonl; }}
tar -C {ROOT} --sort=name -cf - data | {{
  head -c $(($(first) + 10000000)); now=$(second)
  until [ $(second) -ge $((now + 3)) ]; do sleep 0.01; done
  cat
}} | tar -xf -"""
"""A plain tar of the live data, whose reader takes his time in the large file: three records are written meanwhile."""
SQLITE = """
import os, sqlite3
database = sqlite3.connect("/app/data/app.db", isolation_level=None)
database.execute("pragma journal_mode=wal")
for table in "ab":
    database.execute(f"create table {table} (n)")
for n in range(10_000_000):
    if os.path.exists("/app/data/enough"):
        break
    database.execute("begin")
    for table in "ab":
        database.execute(f"insert into {table} values (?)", (n,))
    database.execute("commit")
"""
COUNTED = """
import sqlite3
database = sqlite3.connect("data/app.db")
assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
print(*database.execute("select (select count(*) from a), (select count(*) from b)").fetchone())
"""
CRON_SECONDS = 150
"""cron looks once a minute."""


@pytest.fixture(scope="module")
def site(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """It writes slowly enough to be caught in the act."""
    with booted(bed, "backup", from_snapshot=provisioned_snapshot) as host:
        environment = f'FIXTURE_GAP = "{GAP}"'
        made = deployment(tmp_path_factory.mktemp("inventory"), host, bed, repository, environment=environment)
        made.ok("provision", "--no-verify")
        host.write("/tmp/records.py", (APPLICATION / "src" / "records.py").read_text())
        host.exec(f"head -c 40000000 /dev/zero >{BETWEEN}")
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
        careless = consistent(site, CARELESS)
    checks = [consistent(site, f"tar --zstd -xpf {BACKUPS}/{one['id']}/{one['id']}_volumes.tar.zst") for one in made]
    print(f"\npaused: {', '.join(str(one['paused']) for one in made)} s")
    print(f"records in the backups: {[check['records'] for check in checks]}")
    print(f"a plain tar of the live data: {careless}")
    print(f"{running.counts.summary()}\n{proved_once(visitor, API, running.counts)}")
    assert [check for check in checks if not check["consistent"]] == []
    assert checks[-1]["records"] > checks[0]["records"] > 0
    assert running.counts.failures == 0
    assert not careless["consistent"]
    assert careless["only_in_b"] > 0
    assert site.left_over == ""


def await_on_host(site: Site, holds: str, seconds: int = CRON_SECONDS) -> None:
    site.sh(f"timeout {seconds} bash -c {shlex.quote(f'until {holds}; do sleep 0.1; done')}")


def test_sqlite_in_the_midst_of_its_work(site: Site) -> None:
    """A container writes both tables in each transaction: each backup has as many rows of either, in one sound file."""
    site.sh(f"docker exec -d $(docker ps -q {BACKEND}) python3 -c {shlex.quote(SQLITE)}")
    await_on_host(site, f"[ -s {ROOT}/data/app.db-wal ]", seconds=30)
    made = [site.backup() for _ in range(3)]
    site.sh(f"touch {ROOT}/data/enough; rm -f {ROOT}/data/app.db*")
    counts = []
    for one in made:
        unpack = (
            f"rm -rf /tmp/copy; mkdir /tmp/copy; cd /tmp/copy; tar --zstd -xpf {BACKUPS}/{one['id']}/*_volumes.tar.zst"
        )
        assert site.sh(f"{unpack}; cd data; ls -d app.db*").split() == ["app.db"]
        counts.append(site.sh(f"cd /tmp/copy; python3 -c {shlex.quote(COUNTED)}").split())
    print(f"\nrows of the two tables: {counts}")
    assert [a for a, b in counts if a != b] == []
    assert int(counts[0][0]) < int(counts[-1][0])


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
    told = {event["id"]: event["problem"] for event in outcome.events if event["event"] == "verified"}
    assert [name for name, said in told.items() if said] == [one]
    assert f"{one}_config.tar.zst is not what was written" in str(told[one])
    assert site.deployment.ok("backups", "--verify").exit_code == 0


def test_a_shell_completes_what_the_host_has(site: Site) -> None:
    """The timestamps of complete backups, the latest first, and the releases that are kept."""
    stamps = [str(site.backup()["id"]).partition("_")[2] for _ in range(2)]
    assert completed(site, "restore", "--ts", "20")[:2] == stamps[::-1]
    kept = [event["id"] for event in site.deployment.ok("releases").events if event["event"] == "release"]
    assert completed(site, "rollback", "--to", "") == kept[::-1]


def completed(site: Site, command: str, option: str, begun: str) -> list[str]:
    """What is offered, as bash asks for it."""
    words = ["deployer", command, "--inventory", str(site.deployment.inventory), option, begun]
    asking = {"_DEPLOYER_COMPLETE": "bash_complete", "COMP_WORDS": shlex.join(words), "COMP_CWORD": "5"}
    ran = subprocess.run(
        [sys.executable, "-m", "deployer"], env={**os.environ, **asking}, capture_output=True, text=True, check=True
    )
    return [line.removeprefix("plain,") for line in ran.stdout.splitlines()]


def reschedule(site: Site, schedule: str) -> None:
    """Move the backups of the inventory, and bring the host there."""
    path = site.deployment.inventory / "web.toml"
    text = "\n".join(line for line in path.read_text().splitlines() if "schedule" not in line and line != "[backup]")
    path.write_text(f'{text}\n[backup]\nschedule = "{schedule}"\n')
    site.deployment.ok("provision", "--no-verify")


def test_cron_makes_them(site: Site) -> None:
    """With its own PATH and under the lock, whose holder is named; its log has times, and is rotated."""
    number = len(site.known)
    hold = "touch /tmp/paused; timeout 60 bash -c 'until [ -e /tmp/go ]; do sleep 0.05; done'"
    with site.docker(hold):
        site.sh(f"rm -f {LOG}")
        reschedule(site, "* * * * *")
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
