"""List a directory, one line of JSON for each file, as the list of files of a backup has it: written apart from that.

Also runs on a host, as `python3 - BASE NAME…`: the files below BASE/NAME, with the digest of each.
"""

import hashlib
import io
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

Entry = dict[str, object]
"""path, type, mode, uid, gid, mtime (nanoseconds), size; sha256 of a file, target of a link, attributes if any."""

CHUNK = 1 << 16
"""The capacity of a pipe: larger pieces cost more in allocations than they save in calls."""
PLACED = ("system.", "security.selinux")
"""Attributes that the file system sets by itself: no part of a file's content."""


def digest_of(file: IO[bytes] | io.RawIOBase) -> str:
    found = hashlib.sha256()
    while piece := file.read(CHUNK):
        found.update(piece)
    return found.hexdigest()


def on_disk(base: str, names: Iterable[str]) -> Iterator[Entry]:
    for name in names:
        if os.path.lexists(Path(base, name)):
            yield from _below(base, name)


def _below(base: str, path: str) -> Iterator[Entry]:
    full = Path(base, path)
    yield _state(full, path)
    if full.is_dir() and not full.is_symlink():
        for inner in sorted(full.iterdir()):
            yield from _below(base, f"{path}/{inner.name}")


def _state(full: Path, path: str) -> Entry:
    state = full.lstat()
    entry: Entry = {"path": path, "type": _kind(state.st_mode), "mode": stat.S_IMODE(state.st_mode)}
    entry |= {"uid": state.st_uid, "gid": state.st_gid, "mtime": state.st_mtime_ns, "size": 0}
    if stat.S_ISREG(state.st_mode):
        with full.open("rb") as file:
            entry |= {"size": state.st_size, "sha256": digest_of(file)}
    elif stat.S_ISLNK(state.st_mode):
        entry["target"] = os.readlink(full)  # noqa: PTH115  # a Path would change it
    names = [name for name in os.listxattr(full, follow_symlinks=False) if not name.startswith(PLACED)]
    values = {name: os.getxattr(full, name, follow_symlinks=False) for name in sorted(names)}
    return entry | _attributes(values)


def _kind(mode: int) -> str:
    return {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}.get(stat.S_IFMT(mode), "other")


def _attributes(values: dict[str, bytes]) -> Entry:
    return {"attributes": {name: value.hex() for name, value in values.items()}} if values else {}


def write(entries: Iterable[Entry], out: IO[str]) -> None:
    for entry in sorted(entries, key=lambda one: str(one["path"])):
        out.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    write(on_disk(sys.argv[1], sys.argv[2:]), sys.stdout)
