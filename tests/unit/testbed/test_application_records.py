"""The fixture application's records with a database as the third store: what may be at one instant."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed.application.src import records as module
from testbed.application.src.records import FILES, Away, Record, Records, compare, last_line


@dataclass
class Table:
    """A database in memory, which can be away."""

    rows: list[Record] = field(default_factory=list)
    away: bool = False

    def has(self, id_: str) -> bool:
        return id_ in {row[0] for row in self.answered()}

    def insert(self, records: list[Record]) -> None:
        self.answered().extend(records)

    def all(self) -> list[Record]:
        return list(self.answered())

    def answered(self) -> list[Record]:
        if self.away:
            raise Away("asked for")
        return self.rows


class Failing(Table):
    """It is there when it is asked, and away when it is to take something."""

    def insert(self, records: list[Record]) -> None:
        raise Away("in the middle")


def filled(directory: Path, table: Table | None, number: int = 3) -> Records:
    records = Records(directory, database=table)
    for at in range(number):
        records.add(f"key-{at}", {"number": at})
    return records


def test_three_stores(tmp_path: Path) -> None:
    """A record is in all of them, in one order; that is consistent, and told."""
    table = Table()
    found = filled(tmp_path, table).check()
    assert [key for _, key, _ in table.rows] == ["key-0", "key-1", "key-2"]
    assert json.loads(table.rows[1][2]) == {"number": 1}
    assert (found["consistent"], found["records"], found["in_database"]) == (True, 3, 3)


def test_without_database(tmp_path: Path) -> None:
    """Two files, and no word of a third store."""
    found = filled(tmp_path, None).check()
    assert found["consistent"]
    assert not any("database" in key for key in found)
    assert not (tmp_path / ".records.database").exists()


@pytest.mark.parametrize(
    ("in_a", "in_b", "in_database", "consistent"),
    [
        (5, 5, 5, True),
        (5, 4, 4, True),
        (5, 5, 4, True),
        (5, 4, 3, True),
        (5, 5, 3, False),
        (5, 4, 5, False),
        (5, 3, 3, False),
        (5, 5, 0, False),
        (1, 1, 0, True),
        (0, 0, 1, False),
    ],
)
def test_instants(tmp_path: Path, in_a: int, in_b: int, in_database: int, consistent: bool) -> None:
    """Each store lacks at most the last record of the one before, and holds nothing else."""
    table = Table()
    filled(tmp_path, table, 5)
    for name, number in zip(FILES, (in_a, in_b), strict=True):
        whole = (tmp_path / name).read_bytes().splitlines(keepends=True)
        (tmp_path / name).write_bytes(b"".join(whole[:number]))
    del table.rows[in_database:]
    assert compare(tmp_path, table)["consistent"] is consistent


def test_other_content(tmp_path: Path) -> None:
    """The same number of records is not enough."""
    table = Table()
    filled(tmp_path, table)
    table.rows[1] = ("another", *table.rows[1][1:])
    found = compare(tmp_path, table)
    assert (found["consistent"], found["not_in_database"], found["only_in_database"]) == (False, 1, 1)


def test_away(tmp_path: Path) -> None:
    """Nothing is written where it is away; a start is none the worse, and it goes on when it is back."""
    table = Table()
    filled(tmp_path, table)
    table.away = True
    records = Records(tmp_path, database=table)
    with pytest.raises(Away):
        records.add("lost", None)
    table.away = False
    records.add("found", None)
    assert records.check()["consistent"]
    assert [key for _, key, _ in table.rows] == ["key-0", "key-1", "key-2", "found"]


def test_away_in_the_middle(tmp_path: Path) -> None:
    """The files have the record, the database gets it before the next one: also at a start."""
    table = Table()
    filled(tmp_path, table)
    failing = Records(tmp_path, database=Failing(table.rows))
    with pytest.raises(Away):
        failing.add("in flight", None)
    assert compare(tmp_path, table)["consistent"]
    assert len(table.rows) == 3
    with pytest.raises(Away):
        failing.add("not begun", None)
    Records(tmp_path, database=table)
    assert [key for _, key, _ in table.rows][3:] == ["in flight"]


def test_comes_later(tmp_path: Path) -> None:
    """A database that is new to the records gets all of them."""
    filled(tmp_path, None, 5)
    table = Table()
    assert Records(tmp_path, database=table).check()["consistent"]
    assert len(table.rows) == 5


@pytest.mark.parametrize("left", [0, 2])
def test_lost_records_are_not_made_up(tmp_path: Path, left: int) -> None:
    """What a database has lost since stays lost: a restore that tore the stores apart has to be seen."""
    table = Table()
    filled(tmp_path, table, 5)
    del table.rows[left:]
    records = Records(tmp_path, database=table)
    assert records.check()["consistent"] is False
    records.add("after", None)
    assert records.check()["consistent"] is False


@pytest.mark.parametrize("length", [1, 5000, 100_000])
def test_last_line(tmp_path: Path, length: int) -> None:
    """Found from the end, however long it is; of one, of many, of none."""
    path = tmp_path / "lines"
    assert last_line(path) == b""
    path.write_bytes(b"")
    assert last_line(path) == b""
    path.write_bytes(b"x" * length + b"\n")
    assert last_line(path) == b"x" * length
    path.write_bytes(b"first\n" * 1000 + b"y" * length + b"\n")
    assert last_line(path) == b"y" * length


def test_from_the_command_line(tmp_path: Path) -> None:
    """Without DATABASE_URL nothing but Python is needed; the exit code tells."""
    filled(tmp_path, None)
    command = [sys.executable, "-I", str(module.__file__), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert (ran.returncode, json.loads(ran.stdout)["records"]) == (0, 3)
    (tmp_path / FILES[0]).unlink()
    assert subprocess.run(command, capture_output=True, check=False, env={}).returncode == 1
