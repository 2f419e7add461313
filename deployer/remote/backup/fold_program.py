"""The program that runs in a container without network: SQLite makes one file of each database and its log.

Each directory below the first argument holds `database`, and `database-wal` or `database-journal`. SQLite does with
these as after a crash: it replays the log, or rolls an open transaction back. A line for each: NUMBER RESULT, where
`ok` is the result of one that is consistent. The second argument are the seconds that each may take.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path


def fold(path: Path) -> str:
    """The result of SQLite's integrity check. Raises sqlite3.Error."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("select count(*) from sqlite_master").fetchall()
        database.execute("pragma wal_checkpoint(truncate)").fetchall()
        try:
            return "; ".join(str(line) for (line,) in database.execute("pragma integrity_check(3)"))
        except sqlite3.OperationalError as error:
            if str(error).startswith("no such collation"):  # an order that only the application knows
                return "ok"
            raise
    finally:
        database.close()


def attempt(path: Path) -> str:
    """`ok`, or why it is not."""
    try:
        result = fold(path)
    except sqlite3.Error as error:
        return f"SQLite: {error}"
    if result == "ok" and path.with_name("database-wal").exists():
        return "its log could not be merged"
    return result if result == "ok" else f"SQLite finds it corrupt: {result}"


def main(directory: str, seconds: str) -> None:
    for place in Path(directory).iterdir():
        result = " ".join(limited(place / "database", int(seconds)).split())
        sys.stdout.write(f"{place.name} {result or f'SQLite did not end within {seconds} s'}\n")
        sys.stdout.flush()


def limited(path: Path, seconds: int) -> str:
    """The attempt by a process of its own, which the kernel ends after these seconds; nothing then."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        os.write(writing, attempt(path).encode()[:500])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        result = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
