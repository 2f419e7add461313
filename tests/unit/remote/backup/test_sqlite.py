"""SQLite databases in a backup: one consistent file of each, made where no harm can be done."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from deployer.remote.backup import sqlite, verify

from .conftest import Site

WRITER = """
import sqlite3, sys
name, mode = sys.argv[1:]
made = sqlite3.connect(name, isolation_level=None)
made.execute(f"pragma journal_mode={mode}")
made.execute("pragma cache_size=1")
made.execute("create table t (n integer primary key, x text unique)")
made.executemany("insert into t (x) values (?)", [(f"sure {n}",) for n in range(100)])
made.execute("pragma wal_autocheckpoint=0")
made.execute("insert into t (x) values ('the last that is sure')")
made.execute("begin immediate")
made.execute("update t set x = 'never' || n")
made.executemany("insert into t (x) values (?)", [(f"never at all {n}" * 50,) for n in range(2000)])
print("open", flush=True)
sys.stdin.read()
"""
SURE = 101
COSTLY = """
create table t (x check (instr(hex(zeroblob(1000000)), hex(zeroblob(500000)) || 'b') = x));
pragma ignore_check_constraints = on;
insert into t values (0);
"""
ORDINARY = "create table t (n integer primary key, x text); insert into t values (1, 'a')"


@contextmanager
def writing(database: Path, mode: str) -> Iterator[None]:
    """Another process that holds a transaction open, of which much has reached the disk already."""
    words = [sys.executable, "-c", WRITER, str(database), mode]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        try:
            yield
        finally:
            process.kill()


def sure(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        assert opened.execute("pragma integrity_check").fetchall() == [("ok",)]
        return [str(row) for (row,) in opened.execute("select x from t order by n")]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("x.db*"))


def make(database: Path, sql: str = ORDINARY) -> None:
    with closing(sqlite3.connect(database)) as opened:
        opened.executescript(sql)


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_in_the_middle_of_a_transaction(site: Site, tmp_path: Path, mode: str) -> None:
    """The archive has one file of it, with what was committed and nothing else; unpacked by tar alone."""
    with writing(site.data / "x.db", mode):
        made = site.backup()
    got = site.unpacked(made, tmp_path / "got") / "data"
    assert names(got) == ["x.db"]
    rows = sure(got / "x.db")
    assert (len(rows), rows[-1]) == (SURE, "the last that is sure")
    assert [name for name in site.listed(made) if "x.db" in name] == ["data/x.db"]
    assert (site.manifest(made)["unfolded"], verify.verify(site.host, made.name)) == ({}, "")


def test_it_stays_whose_it_was(site: Site, tmp_path: Path) -> None:
    """Owner, mode and times are those of the database, and its directory's too."""
    database = site.data / "x.db"
    with writing(database, "wal"):
        os.chown(database, 1000, 1001)
        database.chmod(0o640)
        os.utime(database, ns=(1, 1_600_000_000_123_456_789))
        os.utime(site.data, ns=(1_000_000_001, 1_000_000_002))
        made = site.backup()
    listed = site.listed(made)
    found = listed["data/x.db"]
    assert (found["uid"], found["gid"], found["mode"], found["mtime"]) == (1000, 1001, 0o640, 1_600_000_000_123_456_789)
    assert listed["data"]["mtime"] == 1_000_000_002


def test_nothing_parses_it_on_the_host(site: Site) -> None:
    """A container does: no network, nothing else mounted, no right, a user that nobody is, limits for everything."""
    with writing(site.data / "x.db", "wal"):
        site.backup()
    (words,) = [words for words in site.docker.calls if words[0] == "run"]
    said = " ".join(words)
    for wanted in ("--network none", "--read-only", "--cap-drop ALL", "--memory ", "--pids-limit ", "--ulimit fsize="):
        assert wanted in said
    assert said.count("--volume") == 1
    assert f"--user {sqlite.USER}:{sqlite.USER} " in said
    with pytest.raises(KeyError):
        pwd.getpwuid(sqlite.USER)


def with_journal(site: Site, tail: bytes) -> Path:
    """A database with a hot journal that ends with these bytes."""
    database = site.data / "x.db"
    make(database)
    with writing(site.root / "other.db", "delete"):
        shutil.copy(site.root / "other.db", database)
        shutil.copy(site.root / "other.db-journal", f"{database}-journal")
    with Path(f"{database}-journal").open("ab") as journal:
        journal.write(tail)
    return database


def super_journal(name: bytes) -> bytes:
    """The end of a journal that belongs to a transaction over several databases."""
    checksum = sum(name) & 0xFFFFFFFF
    size = len(name).to_bytes(4, "big")
    return bytes(4) + name + size + checksum.to_bytes(4, "big") + sqlite.MAGIC


def test_a_journal_that_names_another(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SQLite would remove the file of that name: it is not opened, the file stays, and all is archived as it is."""
    canary = tmp_path / "canary"
    canary.write_text("here")
    with_journal(site, super_journal(os.fsencode(canary)))
    made = site.backup()
    assert canary.read_text() == "here"
    assert site.manifest(made)["unfolded"] == {"data/x.db": "its -journal names another journal"}
    assert "data/x.db is in the backup as it was" in capsys.readouterr().out
    got = site.unpacked(made, tmp_path / "got") / "data"
    assert names(got) == ["x.db", "x.db-journal"]
    assert (got / "x.db-journal").read_bytes() == (site.data / "x.db-journal").read_bytes()
    assert verify.verify(site.host, made.name) == ""


def test_the_canary_would_go(site: Site, tmp_path: Path) -> None:
    """SQLite itself removes it: the test above would fail without the refusal."""
    canary = tmp_path / "canary"
    canary.write_text("here")
    database = with_journal(site, super_journal(os.fsencode(canary)))
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("select count(*) from sqlite_master")
    assert not canary.exists()


def test_a_log_that_is_a_link(site: Site, tmp_path: Path) -> None:
    """It is no log: nothing follows it, and the backup is made."""
    make(site.data / "x.db")
    (site.data / "x.db-wal").symlink_to("/etc/shadow")
    made = site.backup()
    assert site.manifest(made)["unfolded"] == {"data/x.db": "its -wal is no file"}
    assert (site.unpacked(made, tmp_path / "got") / "data" / "x.db-wal").is_symlink()


def test_a_log_with_another_name(site: Site) -> None:
    """What is archived under that name too is not taken away with the log."""
    make(site.data / "x.db")
    (site.data / "x.db-journal").write_bytes(b"junk" * 100)
    os.link(site.data / "x.db-journal", site.data / "z")
    made = site.backup()
    assert site.manifest(made)["unfolded"] == {"data/x.db": "its -journal has several names"}
    assert verify.verify(site.host, made.name) == ""


def test_a_schema_that_takes_for_ever(site: Site, tmp_path: Path) -> None:
    """It is given up within its limit, and archived as it is; the other database is not held up by it."""
    make(site.data / "x.db", COSTLY)
    make(site.data / "y.db")
    (site.data / "x.db-journal").write_bytes(b"junk" * 100)
    site.docker.seconds = "1"
    made = site.backup()
    assert site.manifest(made)["unfolded"] == {"data/x.db": "SQLite did not end within 1 s"}
    got = site.unpacked(made, tmp_path / "got") / "data"
    assert (got / "x.db").read_bytes() == (site.data / "x.db").read_bytes()


def test_a_corrupt_one(site: Site, tmp_path: Path) -> None:
    """Archived as it is, and named with what SQLite finds."""
    make(site.data / "x.db", "create table t (x text unique)")
    with closing(sqlite3.connect(site.data / "x.db")) as opened:
        opened.executemany("insert into t values (?)", [(f"row {n}" * 30,) for n in range(500)])
        opened.commit()
    content = (site.data / "x.db").read_bytes()
    damaged = content[:8192] + os.urandom(4096) + content[12288:]
    (site.data / "x.db").write_bytes(damaged)
    made = site.backup()
    (why,) = dict(site.manifest(made)["unfolded"]).values()  # type: ignore[call-overload]
    assert why.startswith("SQLite")
    assert (site.unpacked(made, tmp_path / "got") / "data" / "x.db").read_bytes() == damaged


def test_an_image_without_python(site: Site) -> None:
    """Nothing can be made of it: as it was, with its log, and named."""
    site.docker.image = False
    with writing(site.data / "x.db", "wal"):
        made = site.backup()
    (why,) = dict(site.manifest(made)["unfolded"]).values()  # type: ignore[call-overload]
    assert "python3" in why
    assert {"data/x.db", "data/x.db-wal"} < site.listed(made).keys()


def test_many_of_them(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The first ones are named, the others counted: an application may make any number."""
    monkeypatch.setattr("deployer.remote.backup.volumes.RECENT_NANOSECONDS", 10**12)
    site.docker.image = False
    for number in range(110):
        make(site.data / f"{number:03}.db")
    made = site.backup()
    said = capsys.readouterr().out
    assert said.count("is in the backup as it was") == 5
    assert "so are 105 more; the manifest names 100 of them at most" in said
    assert len(site.manifest(made)["unfolded"]) == 100  # type: ignore[arg-type]


def test_what_only_the_application_knows(site: Site) -> None:
    """An order of its own cannot be checked: that is no problem of the database."""
    with closing(sqlite3.connect(site.data / "x.db")) as opened:
        opened.create_collation("own", lambda a, b: (a > b) - (a < b))
        opened.execute("create table t (x text collate own unique)")
        opened.execute("insert into t values ('a')")
        opened.commit()
    assert site.manifest(site.backup())["unfolded"] == {}


def test_other_files(site: Site) -> None:
    """Whatever they are called; a link to a database is none."""
    for name in ("x.db", "short", "y-wal", "bytes\udcff.db"):
        (site.data / name).write_bytes(b"SQLite form")
    (site.data / "link.db").symlink_to("x.db")
    made = site.backup()
    assert (site.manifest(made)["unfolded"], [words for words in site.docker.calls if words[0] == "run"]) == ({}, [])
    assert "data/y-wal" in site.listed(made)


def test_a_journal_that_is_gone_by_then(site: Site, tmp_path: Path) -> None:
    """It is not read early: unpacked with the finished database it would undo what was committed."""
    database = with_journal(site, b"")
    site.during(Path(f"{database}-journal").unlink)
    assert names(site.unpacked(site.backup(), tmp_path / "got") / "data") == ["x.db"]


def test_one_that_did_not_change(site: Site) -> None:
    """It is what it was at rest, and is not opened."""
    make(site.data / "x.db")
    old = site.data / "x.db"
    os.utime(old, (1, 1))
    time.sleep(0.2)
    site.backup()
    assert [words for words in site.docker.calls if words[0] == "run"] == []
