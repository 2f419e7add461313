"""SQLite's files among what was set aside at one instant: each becomes one sound file, by SQLite's backup interface.

Runs on the host, as `python3 -c`, with nothing but Python's own library: `sqlite_copy.py DIRECTORY CHANGED STANDING`.
DIRECTORY holds copies of databases and of what lay beside them at the same instant. Opened there, SQLite does as after
a crash: it replays the write-ahead log, or rolls an open transaction back. The result replaces the copy, and what lay
beside it goes. Both lists (CHANGED: names; STANDING: lines of `scan`, see archive.sh) follow. Exit 3, with the name of
the database, where one is not sound.
"""

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

HEADER = b"SQLite format 3\0"
BESIDE = (b"-wal", b"-shm", b"-journal")
FIELDS = 8
"""In front of the name in a line of `scan`; the fifth is the size."""


class Damaged(Exception):
    """A database that SQLite itself does not call sound."""


def main(directory: str, changed: str, standing: str) -> int:
    names = _read(changed)
    found = [name for name in names if _is_database(Path(directory), name)]
    try:
        sizes = {name: fold(directory, os.fsdecode(name)) for name in found}
    except (Damaged, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    gone = {name + end for name in found for end in BESIDE}
    _write(changed, (name for name in names if name not in gone))
    _write(standing, (_resized(line, sizes) for line in _read(standing) if _name(line) not in gone))
    return 0


def _is_database(directory: Path, name: bytes) -> bool:
    path = directory / os.fsdecode(name)
    if name.endswith(BESIDE) or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER


def fold(directory: str, name: str) -> int:
    """A sound copy in its place, with its owner, mode and times, and its directory's times; gives its size."""
    path = Path(directory, name)
    state, around, copy = path.lstat(), path.parent.lstat(), path.with_name(f"{path.name}.deployer-copy")
    try:
        said = _copied(path, copy)
    except sqlite3.Error as error:
        said = [str(error)]
    if said != ["ok"]:
        raise Damaged(f"the SQLite database {name} is not sound: {'; '.join(said)}; mend it with sqlite3's .recover")
    shutil.copystat(path, copy)
    os.chown(copy, state.st_uid, state.st_gid)
    copy.chmod(state.st_mode & 0o7777)  # a change of the owner takes bits away
    os.utime(copy, ns=(state.st_atime_ns, state.st_mtime_ns))
    copy.replace(path)
    for end in BESIDE:
        path.with_name(path.name + end.decode()).unlink(missing_ok=True)
    os.utime(path.parent, ns=(around.st_atime_ns, around.st_mtime_ns))
    return path.stat().st_size


def _copied(path: Path, to: Path) -> list[str]:
    """What SQLite says of the copy."""
    to.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        try:
            return [str(line) for (line,) in copy.execute("PRAGMA integrity_check(3)")]
        except sqlite3.OperationalError as error:
            if str(error).startswith("no such collation"):  # an order that only the application knows
                return ["ok"]
            raise


def _read(file: str) -> list[bytes]:
    return Path(file).read_bytes().split(b"\0")[:-1]


def _write(file: str, items: Iterable[bytes]) -> None:
    Path(file).write_bytes(b"".join(item + b"\0" for item in items))


def _name(line: bytes) -> bytes:
    return line.split(b" ", FIELDS)[FIELDS]


def _resized(line: bytes, sizes: dict[bytes, int]) -> bytes:
    fields = line.split(b" ", FIELDS)
    if fields[FIELDS] in sizes:
        fields[4] = str(sizes[fields[FIELDS]]).encode()
    return b" ".join(fields)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
