"""sqlite_copy.py with SQLite itself: a copy that was made during writes becomes one consistent file."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from deployer.engine.program import text
from tests.support.fakes import IS_ROOT

from .shop import Shop, shop

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


def fold(directory: Path, *names: str) -> tuple["subprocess.CompletedProcess[str]", list[str], list[str]]:
    """What comes of copies in `aside`: what was said, and both lists."""
    lists = directory / "changed", directory / "standing"
    lines = [f"f 0644 0 0 {(directory / 'aside' / name).stat().st_size} 1.0 1.0 7 {name}" for name in names]
    for file, items in zip(lists, (names, lines), strict=True):
        file.write_bytes(b"".join(os.fsencode(item) + b"\0" for item in items))
    words = [sys.executable, "-c", text("backups/scripts/sqlite_copy.py"), str(directory / "aside"), *map(str, lists)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    changed, standing = ([os.fsdecode(item) for item in file.read_bytes().split(b"\0")[:-1]] for file in lists)
    return ran, changed, standing


@pytest.mark.parametrize(("mode", "beside"), [("wal", ("-wal", "-shm")), ("delete", ("-journal",))])
def test_a_transaction_that_is_open(tmp_path: Path, mode: str, beside: tuple[str, ...]) -> None:
    """What was sure is there, nothing else; what lay beside it is gone, from the lists as well."""
    live, aside = tmp_path / "live", tmp_path / "aside"
    live.mkdir()
    with writing(live / "a b.db", mode):
        names = sorted(path.name for path in live.iterdir())
        shutil.copytree(live, aside)
    assert names == sorted(["a b.db", *(f"a b.db{end}" for end in beside)])
    ran, changed, standing = fold(tmp_path, *names)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [path.name for path in aside.iterdir()] == changed == ["a b.db"]
    assert standing == [f"f 0644 0 0 {(aside / 'a b.db').stat().st_size} 1.0 1.0 7 a b.db"]
    rows = sure(aside / "a b.db")
    assert (len(rows), rows[-1]) == (SURE, "the last that is sure")


def test_the_copy_alone_would_lack_it(tmp_path: Path) -> None:
    """Why the log is set aside with it: without it there is no table at all."""
    with writing(tmp_path / "x.db", "wal"):
        shutil.copy(tmp_path / "x.db", tmp_path / "alone.db")
    with closing(sqlite3.connect(tmp_path / "alone.db")) as opened, pytest.raises(sqlite3.OperationalError):
        opened.execute("select * from t")


@pytest.mark.skipif(not IS_ROOT, reason="only root gives files away")
def test_it_stays_whose_it_was(tmp_path: Path) -> None:
    """Owner, mode and times are those of the database."""
    (tmp_path / "aside").mkdir()
    database = tmp_path / "aside" / "x.db"
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("create table t (x)")
    os.chown(database, 1000, 1001)
    database.chmod(0o640)
    os.utime(database, ns=(1_600_000_000_000_000_001, 1_600_000_000_123_456_789))
    assert fold(tmp_path, "x.db")[0].returncode == 0
    state = database.stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (1000, 1001, 0o640)
    assert state.st_mtime_ns == 1_600_000_000_123_456_789


def test_its_directory_keeps_its_time(tmp_path: Path) -> None:
    """Files come and go in it meanwhile; the archive has to hold it as it stood."""
    aside = tmp_path / "aside"
    aside.mkdir()
    with closing(sqlite3.connect(aside / "x.db")) as opened:
        opened.execute("create table t (x)")
    os.utime(aside, ns=(1_000_000_001, 1_000_000_002))
    ran, _, _ = fold(tmp_path, "x.db")
    assert (ran.returncode, aside.stat().st_mtime_ns) == (0, 1_000_000_002)


def test_a_damaged_one(tmp_path: Path) -> None:
    """Named, with SQLite's words and what helps; so is one that is cut off."""
    (tmp_path / "aside").mkdir()
    database = tmp_path / "aside" / "x.db"
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("create table t (x text unique)")
        opened.executemany("insert into t values (?)", [(f"row {n}" * 30,) for n in range(500)])
        opened.commit()
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + os.urandom(4096) + whole[12288:])
    ran, _, _ = fold(tmp_path, "x.db")
    assert ran.returncode == 3
    assert ran.stderr.startswith("the SQLite database x.db is corrupt: ")
    assert ".recover" in ran.stderr
    database.write_bytes(whole[:5000])
    assert fold(tmp_path, "x.db")[0].returncode == 3


def test_what_only_the_application_knows(tmp_path: Path) -> None:
    """An order of its own cannot be checked here: no reason to have no backup."""
    (tmp_path / "aside").mkdir()
    with closing(sqlite3.connect(tmp_path / "aside" / "x.db")) as opened:
        opened.create_collation("own", lambda a, b: (a > b) - (a < b))
        opened.execute("create table t (x text collate own unique)")
        opened.execute("insert into t values ('a')")
        opened.commit()
    assert fold(tmp_path, "x.db")[0].returncode == 0


def test_other_files(tmp_path: Path) -> None:
    """Whatever they are called; a link to a database is none."""
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in ("x.db", "short", "y-wal", "bytes\udcff.db"):
        (aside / name).write_bytes(b"SQLite form")
    (aside / "link.db").symlink_to("x.db")
    names = ("x.db", "short", "y-wal", "bytes\udcff.db", "link.db")
    ran, changed, _ = fold(tmp_path, *names)
    assert (ran.returncode, tuple(changed)) == (0, names)
    assert (aside / "y-wal").exists()


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Shop]:
    with shop(tmp_path) as opened:
        yield opened


@pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")
@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not here")
class TestInABackup:
    """From the first look to the archive."""

    @pytest.mark.parametrize("mode", ["wal", "delete"])
    def test_in_the_midst_of_a_transaction(self, open_shop: Shop, tmp_path: Path, mode: str) -> None:
        """The archive has one file of it, unpacked by tar alone."""
        with writing(open_shop.root / "data/x.db", mode):
            made = open_shop.backup()
        got = open_shop.unpacked(made, tmp_path / "got")
        assert [path.name for path in (got / "data").glob("x.db*")] == ["x.db"]
        assert len(sure(got / "data/x.db")) == SURE
        assert [name for name in open_shop.listed(made) if "x.db" in name] == ["data/x.db"]
        assert open_shop.run(f"verify_backup {made}").returncode == 0

    def test_a_journal_that_is_gone_by_then(self, open_shop: Shop, tmp_path: Path) -> None:
        """It is not read early: unpacked beside the finished database it would undo what was sure."""
        database = open_shop.root / "data/x.db"
        with closing(sqlite3.connect(database)) as opened:
            opened.execute("create table t (n integer primary key, x text)")
        with writing(open_shop.root / "data/other.db", "delete"):
            shutil.copy(open_shop.root / "data/other.db-journal", open_shop.root / "data/x.db-journal")
        (open_shop.root / "data/other.db").unlink()
        (open_shop.root / "data/other.db-journal").unlink()
        open_shop.during("rm data/x.db-journal")
        made = open_shop.backup()
        assert [path.name for path in (open_shop.unpacked(made, tmp_path / "got") / "data").glob("x.db*")] == ["x.db"]

    def test_a_damaged_one(self, open_shop: Shop) -> None:
        """The backup fails, with its name."""
        (open_shop.root / "data/x.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
        open_shop.during("touch data/x.db")
        assert "the SQLite database data/x.db is corrupt" in open_shop.refused()

    def test_one_that_did_not_change(self, open_shop: Shop) -> None:
        """It is what it was at rest, and is not opened."""
        (open_shop.root / "data/x.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
        assert open_shop.run("sleep 0.2", "backup").returncode == 0
