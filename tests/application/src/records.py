"""Records in two files that must agree: what a careless backup tears apart. Exists for F4, F19, F20 and F21.

A record is appended to records-a.jsonl, then to records-b.jsonl, one writer at a time on the data directory
(also between two containers). So at any one instant b equals a, or lacks only a's last record. A copy that is
not of one instant breaks that: b copied late holds what a lacks, a copied late holds two or more that b lacks.
Nothing is synced: what was written every container sees, no test cuts the power, and a disk shared with other
tests would allow few hundred records a second. `python src/records.py DIRECTORY` checks a copy without the
application. A database would be a third store, written after these two in `Records.add`.
"""

import fcntl
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FILES = ("records-a.jsonl", "records-b.jsonl")


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


def compare(directory: Path) -> dict[str, Any]:
    """Given a data directory or a copy of one, say whether it can have existed at one instant."""
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
    def __init__(self, directory: Path, gap: float = 0.0) -> None:
        """Given a data directory, which must be writable (A2), and the seconds between the two writes."""
        self.directory, self.gap = directory, gap
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
        """What a kill between the two writes left: a's last record is missing in b.

        Files of one size need no look: others wait for their turn meanwhile, and there may be 100,000 records.
        """
        a, b = (self.directory / name for name in FILES)
        if a.exists() and b.exists() and a.stat().st_size == b.stat().st_size:
            return
        if compare(self.directory)["in_flight"]:
            append(self.directory / FILES[1], lines_of(self.directory / FILES[0])[0][-1])

    def add(self, key: str, value: object) -> dict[str, Any]:
        """Append a record, however often its key came before; `runs` shows a request that ran twice."""
        record = {"id": uuid.uuid4().hex, "key": key, "value": value}
        line = json.dumps(record).encode() + b"\n"
        with self.alone():
            append(self.directory / FILES[0], line)
            time.sleep(self.gap)
            append(self.directory / FILES[1], line)
            self.follow()
            return {"id": record["id"], "key": key, "runs": self.runs[key], "count": self.total}

    def count(self, key: str | None) -> dict[str, Any]:
        with self.alone():
            self.follow()
            answer: dict[str, Any] = {"count": self.total}
            return answer if key is None else {**answer, "key": key, "runs": self.runs[key]}

    def check(self) -> dict[str, Any]:
        with self.alone():
            return compare(self.directory)

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


if __name__ == "__main__":
    result = compare(Path(sys.argv[1]))
    print(json.dumps(result))
    sys.exit(0 if result["consistent"] else 1)
