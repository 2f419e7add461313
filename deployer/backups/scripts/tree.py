"""List a directory or a tar archive, one line of JSON for each file, in the same form: so that both can be compared.

Runs on the host, as `python3 -c`, with the standard library alone (3.10 or later). Two questions:

    tree.py disk BASE NAME…         the files below BASE/NAME, with the digest of each
    tree.py archive NAME…           the tar archive on standard input

An archive is refused (exit 3) when unpacking it could reach outside of the NAMEs. The last entry of a path counts.
"""

import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO

Entry = dict[str, object]
"""path, type, mode, uid, gid, mtime (nanoseconds), size; sha256 of a file, target of a link, attributes if any."""

CHUNK = 1 << 16
"""The capacity of a pipe: larger pieces cost more in allocations than they save in calls."""
PLACED = ("system.", "security.selinux")
"""Attributes that the file system sets by itself: no part of a file's content."""


class Unsafe(Exception):
    """The archive holds what no backup of this tool can hold, or not what it should."""


def digest_of(file: IO[bytes] | io.RawIOBase) -> str:
    found = hashlib.sha256()
    while piece := file.read(CHUNK):
        found.update(piece)
    return found.hexdigest()


# -- a directory -------------------------------------------------------------------------------------------------------


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


# -- an archive --------------------------------------------------------------------------------------------------------


def in_archive(stream: IO[bytes], names: Iterable[str]) -> dict[str, Entry]:
    """Every path with its last state. Raises Unsafe, tarfile.TarError."""
    found: dict[str, Entry] = {}
    allowed = tuple(names)
    with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK, encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            vars(archive)["members"] = []  # tarfile would keep them all in memory
            _refuse_unsafe(member, allowed, found)
            found[member.name] = _entry(archive, member, found)
        # Zeros end an archive and pad it. This reads the archive's own stream, which may be beyond the end already.
        while archive.fileobj and (rest := archive.fileobj.read(CHUNK)):
            if rest.strip(b"\0"):
                raise Unsafe("there is data after the end of the archive")
    return found


def _refuse_unsafe(member: tarfile.TarInfo, allowed: tuple[str, ...], found: dict[str, Entry]) -> None:
    _refuse_name(member.name, allowed)
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise Unsafe(f"{member.name!r} is neither file, directory nor link")
    if member.islnk():
        _refuse_name(member.linkname, allowed)
        if found.get(member.linkname, {}).get("type") != "file":
            raise Unsafe(f"{member.name!r} is a link to {member.linkname!r}, which is no file before it")
    parents = member.name.split("/")[:-1]
    for length in range(1, len(parents) + 1):
        if found.get("/".join(parents[:length]), {}).get("type", "directory") != "directory":
            raise Unsafe(f"{member.name!r} is below something that is not a directory")


def _refuse_name(name: str, allowed: tuple[str, ...]) -> None:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "" in parts or "." in parts:
        raise Unsafe(f"{name!r} leads elsewhere")
    if not any(name == one or name.startswith(f"{one}/") for one in allowed):
        raise Unsafe(f"{name!r} does not belong into this part")


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo, found: dict[str, Entry]) -> Entry:
    if member.islnk():
        return {**found[member.linkname], "path": member.name}
    entry: Entry = {"path": member.name, "type": _type(member), "mode": member.mode & 0o7777}
    entry |= {"uid": member.uid, "gid": member.gid, "mtime": _nanoseconds(member), "size": 0}
    if member.isreg():
        # The raw file: the buffer would only copy all of it once more.
        if isinstance(file := archive.extractfile(member), io.BufferedReader):
            entry |= {"size": member.size, "sha256": digest_of(file.raw)}
    elif member.issym():
        entry["target"] = member.linkname
    return entry | _attributes(dict(sorted(_stored_attributes(member))))


def _type(member: tarfile.TarInfo) -> str:
    return "file" if member.isreg() else "directory" if member.isdir() else "link"


def _nanoseconds(member: tarfile.TarInfo) -> int:
    """tarfile gives a float, which is not exact."""
    return int(Decimal(member.pax_headers.get("mtime", str(int(member.mtime)))) * 10**9)


def _stored_attributes(member: tarfile.TarInfo) -> Iterator[tuple[str, bytes]]:
    for key, value in member.pax_headers.items():
        name = key.removeprefix("SCHILY.xattr.")
        if name != key and not name.startswith(PLACED):
            yield name, value.encode("utf-8", "surrogateescape")


def write(entries: Iterable[Entry], out: IO[str]) -> None:
    for entry in sorted(entries, key=lambda one: str(one["path"])):
        out.write(json.dumps(entry) + "\n")


def main(words: list[str]) -> int:
    question, *rest = words
    try:
        if question == "disk":
            write(on_disk(rest[0], rest[1:]), sys.stdout)
        else:
            write(in_archive(sys.stdin.buffer, rest).values(), sys.stdout)
    except (Unsafe, tarfile.TarError, EOFError) as error:
        sys.stderr.write(f"not a valid archive: {error}\n")
        return 3
    except BrokenPipeError:
        return 1  # the reader that ended reports why
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
