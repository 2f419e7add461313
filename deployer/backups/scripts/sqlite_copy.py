"""Turn the SQLite databases that were set aside at one instant into one consistent file each, with SQLite's backup API.

Runs on the host, as `python3 -c`, with the standard library alone: `sqlite_copy.py DIRECTORY CHANGED LISTING`.
DIRECTORY holds copies of databases with their logs and journals. When it opens them SQLite does as after a crash: it
replays the write-ahead log, or rolls an open transaction back. The result replaces the copy, and the log is removed.
Both lists (CHANGED: names; LISTING: lines of `scan`, see archive.sh) are updated. Exit 3, with the name of the
database, where one is corrupt.
"""

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

HEADER = b"SQLite format 3\0"
COMPANIONS = (b"-wal", b"-shm", b"-journal")
FIELDS = 8
"""In front of the name in a line of `scan`; the fifth is the size."""


class Damaged(Exception):
    """SQLite itself finds the database corrupt."""


def main(directory: str, changed: str, listing: str) -> int:
    names = _read(changed)
    found = [name for name in names if _is_database(Path(directory), name)]
    try:
        sizes = {name: fold(directory, os.fsdecode(name)) for name in found}
    except (Damaged, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    gone = {name + end for name in found for end in COMPANIONS}
    _write(changed, (name for name in names if name not in gone))
    _write(listing, (_resized(line, sizes) for line in _read(listing) if _name(line) not in gone))
    return 0


def _is_database(directory: Path, name: bytes) -> bool:
    path = directory / os.fsdecode(name)
    if name.endswith(COMPANIONS) or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER


def fold(directory: str, name: str) -> int:
    """Replace it with a consistent copy; owner, mode and times stay, its directory's too. Gives its size."""
    path = Path(directory, name)
    state, around, copy = path.lstat(), path.parent.lstat(), path.with_name(f"{path.name}.deployer-copy")
    try:
        result = _copied(path, copy)
    except sqlite3.Error as error:
        result = [str(error)]
    if result != ["ok"]:
        raise Damaged(f"the SQLite database {name} is corrupt: {'; '.join(result)}; repair it with sqlite3's .recover")
    shutil.copystat(path, copy)
    os.chown(copy, state.st_uid, state.st_gid)
    copy.chmod(state.st_mode & 0o7777)  # a change of the owner takes bits away
    os.utime(copy, ns=(state.st_atime_ns, state.st_mtime_ns))
    copy.replace(path)
    for end in COMPANIONS:
        path.with_name(path.name + end.decode()).unlink(missing_ok=True)
    os.utime(path.parent, ns=(around.st_atime_ns, around.st_mtime_ns))
    return path.stat().st_size


def _copied(path: Path, to: Path) -> list[str]:
    """The result of SQLite's integrity check of the copy."""
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
