"""Records in two files and a database that must agree: what a bad backup tears apart. Exists for F4, F19 to F21, F26.

A record is appended to records-a.jsonl, then to records-b.jsonl, one writer at a time on the data directory
(also between two containers). So at any one instant b equals a, or lacks only a's last record. A copy that is
not of one instant breaks that: b copied late holds what a lacks, a copied late holds two or more that b lacks.
Nothing is synced: what was written every container sees, no test cuts the power, and a disk shared with other
tests would allow few hundred records a second. `python src/records.py DIRECTORY` checks a copy without the
application.

With DATABASE_URL a database is the third store, written after these two: it equals b, or lacks only b's last record.
Before the next record it is completed, so a record that it refused is never two behind. The mark `.records.database`
says that it was filled once with what the files held when it came: one that is empty later has lost its records.
"""

import fcntl
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

FILES = ("records-a.jsonl", "records-b.jsonl")


MARK = ".records.database"

Record = tuple[str, str, str]
"""Its id, its key, and its value as JSON."""


class Store(Protocol):
    """A database of records. Each method raises Away where it does not answer."""

    def has(self, id_: str) -> bool: ...

    def insert(self, records: list[Record]) -> None: ...

    def all(self) -> list[Record]: ...


class Away(Exception):
    """The database does not answer, or refuses us. Holds no address: there is a password in it."""


def append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def lines_of(path: Path) -> tuple[list[bytes], int]:
    """Given a file of records, return its sound lines and how many are damaged."""
    found = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    sound = [line for line in found if line.endswith(b"}\n") and is_json(line)]
    return sound, len(found) - len(sound)


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def key_of(line: bytes) -> str | None:
    """The key of a record, None for a damaged one."""
    try:
        return str(json.loads(line)["key"])
    except ValueError:
        return None


def record_of(line: bytes) -> Record:
    record = json.loads(line)
    return str(record["id"]), str(record["key"]), json.dumps(record["value"])


def last_line(path: Path) -> bytes:
    """The last record of a file, found from its end: there may be 100,000 before it."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        step = 4096
        while True:
            file.seek(max(0, size - step))
            *rest, line = file.read().rstrip(b"\n").split(b"\n")
            if rest or step >= size:
                return line
            step *= 4


def compare(directory: Path, database: Store | None = None) -> dict[str, Any]:
    """Given a data directory (or a copy) and a database, say whether they can have existed at one instant."""
    files = compare_files(directory)
    if database is None:
        return files
    b, there = [record_of(line) for line in lines_of(directory / FILES[1])[0]], database.all()
    return {
        **files,
        "consistent": files["consistent"] and (there == b or there == b[:-1]),
        "in_database": len(there),
        "not_in_database": len(set(b) - set(there)),
        "only_in_database": len(set(there) - set(b)),
    }


def compare_files(directory: Path) -> dict[str, Any]:
    (a, damaged_a), (b, damaged_b) = (lines_of(directory / name) for name in FILES)
    in_flight = 1 if a and a[:-1] == b else 0
    return {
        "consistent": (a == b or in_flight == 1) and damaged_a + damaged_b == 0,
        "records": len(a),
        "in_flight": in_flight,
        "only_in_a": len(set(a) - set(b)),
        "only_in_b": len(set(b) - set(a)),
        "damaged": damaged_a + damaged_b,
    }


class Records:
    def __init__(self, directory: Path, gap: float = 0.0, database: Store | None = None) -> None:
        """Given a data directory, which must be writable (A2), and the seconds between the writes."""
        self.directory, self.gap, self.database = directory, gap, database
        self.runs: Counter[str]
        self.forget()
        directory.mkdir(parents=True, exist_ok=True)
        self.follow()
        with self.alone():
            self.finish_interrupted()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with (self.directory / ".records.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def finish_interrupted(self) -> None:
        """What a kill between two writes left. A database that is away now is completed before the next record."""
        self.finish_files()
        with suppress(Away):
            self.finish_database()

    def finish_database(self) -> None:
        """b's last record may be missing in it. All of them where it is new here; what else it lacks it has lost."""
        if self.database is None:
            return
        last = last_line(self.directory / FILES[1])
        known = self.database.has(record_of(last)[0] if is_json(last) else "")
        if known or not last:
            self.mark()
            return
        b = [record_of(line) for line in lines_of(self.directory / FILES[1])[0]]
        there = self.database.all()
        if there == b[:-1] or not (there or (self.directory / MARK).exists()):
            self.database.insert(b[len(there) :])
        self.mark()

    def mark(self) -> None:
        if not (self.directory / MARK).exists():
            (self.directory / MARK).touch()

    def finish_files(self) -> None:
        """a's last record may be missing in b.

        Files of one size need no look: others wait for their turn meanwhile, and there may be 100,000 records.
        """
        a, b = (self.directory / name for name in FILES)
        if a.exists() and b.exists() and a.stat().st_size == b.stat().st_size:
            return
        if compare(self.directory)["in_flight"]:
            append(self.directory / FILES[1], lines_of(self.directory / FILES[0])[0][-1])

    def add(self, key: str, value: object) -> dict[str, Any]:
        """Append a record, however often its key came before; `runs` shows a request that ran twice.

        Raises Away, as a rule before the first write: whoever asks again makes no second record.
        """
        record = {"id": uuid.uuid4().hex, "key": key, "value": value}
        line = json.dumps(record).encode() + b"\n"
        with self.alone():
            self.finish_database()
            append(self.directory / FILES[0], line)
            time.sleep(self.gap)
            append(self.directory / FILES[1], line)
            if self.database:
                time.sleep(self.gap)
                self.database.insert([record_of(line)])
            self.follow()
            return {"id": record["id"], "key": key, "runs": self.runs[key], "count": self.total}

    def count(self, key: str | None) -> dict[str, Any]:
        with self.alone():
            self.follow()
            answer: dict[str, Any] = {"count": self.total}
            return answer if key is None else {**answer, "key": key, "runs": self.runs[key]}

    def check(self) -> dict[str, Any]:
        with self.alone():
            return compare(self.directory, self.database)

    def prove(self, keys: list[str]) -> dict[str, Any]:
        """Of these keys, those that never ran and those that ran more than once; one look for all of them."""
        with self.alone():
            self.follow()
            runs = {key: self.runs[key] for key in keys}
            return {
                "keys": len(self.runs),
                "runs": self.total,
                "missing": [key for key, times in runs.items() if times == 0],
                "repeated": {key: times for key, times in runs.items() if times > 1},
            }

    def forget(self, inode: int = 0) -> None:
        self.read_until, self.inode, self.runs, self.total = 0, inode, Counter(), 0

    def follow(self) -> None:
        """Count what was appended since the last look, by any container; anew if the file is another.

        Only whole lines are taken, so that the first look, at everything there is, needs no lock.
        """
        path = self.directory / FILES[0]
        if not path.exists():
            self.forget()
            return
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_ino != self.inode or state.st_size < self.read_until:
                self.forget(state.st_ino)
            file.seek(self.read_until)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        keys = [key for line in whole.splitlines() if (key := key_of(line)) is not None]
        self.runs.update(keys)
        self.total += len(keys)
        self.read_until += len(whole)


def named_database() -> Store | None:
    """The database of DATABASE_URL. Without one neither a driver nor the rest of the application is needed."""
    if not (url := os.getenv("DATABASE_URL", "")):
        return None
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from src.database import Database  # type: ignore[import-not-found]

    database: Store = Database(url)
    return database


if __name__ == "__main__":
    result = compare(Path(sys.argv[1]), named_database())
    print(json.dumps(result))
    sys.exit(0 if result["consistent"] else 1)
