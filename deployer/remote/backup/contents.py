"""What an archive holds, read as a stream; refused where unpacking it could do harm, or would not give what is listed.

For each path there are a few bytes in memory, whatever its file holds.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO

from deployer.remote.backup.tree import DIRECTORY, FILE, LINK, MOST_HOLES

CHUNK = 1 << 16
"""The capacity of a pipe: larger pieces cost more in allocations than they save in calls."""
PLACED = ("system.", "security.selinux")
"""Attributes that the file system sets by itself: no part of a file's content."""
EMPTY, FILLED, PLAIN, LINKED, LEADING_OUT = b"d", b"D", b"f", b"l", b"L"
"""What a path is: a directory without and with something in it, a file, a link; a link that leads elsewhere."""


class Unsafe(Exception):
    """The archive holds what no backup of this tool can hold, or not what it should."""


class Contents:
    """The last state of every path, as a digest of its line in the list of files."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._found: dict[str, bytes] = {}

    def read(self, stream: IO[bytes]) -> None:
        """Add an archive. Raises Unsafe, tarfile.TarError."""
        with tarfile.open(
            fileobj=stream, mode="r|", bufsize=CHUNK, encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for member in archive:
                vars(archive)["members"] = []  # tarfile would keep them all in memory
                self._refuse_unsafe(member)
                self._add(archive, member)
            # Zeros end an archive and pad it. This reads the archive's own stream, which may be beyond the end already.
            while archive.fileobj and (rest := archive.fileobj.read(CHUNK)):
                if rest.strip(b"\0"):
                    raise Unsafe("there is data after the end of the archive")

    def has(self, line: bytes) -> bool:
        """Whether a line of the list of files is as in the archive."""
        entry = json.loads(line)
        return self._found.get(entry.pop("path"), b"")[1:] == _digest(entry)

    def _add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if member.islnk():
            self._place(member.name, self._found[member.linkname])
            return
        kind = {FILE: PLAIN, DIRECTORY: EMPTY, LINK: LINKED}[_type(member)]
        if kind == LINKED and (member.linkname.startswith("/") or ".." in member.linkname.split("/")):
            kind = LEADING_OUT
        self._place(member.name, kind + _digest(_entry(archive, member)))

    def _place(self, name: str, added: bytes) -> None:
        """Raises Unsafe where tar does not put the one in the place of the other."""
        former = self._found.get(name, b"")
        if former[:1] == FILLED:
            if added[:1] != EMPTY:
                raise Unsafe(f"{name!r} takes the place of a directory that is not empty")
            added = FILLED + added[1:]
        if former[:1] == LEADING_OUT and former != added:  # tar makes these last of all
            raise Unsafe(f"{name!r} takes the place of a link")
        self._found[name] = added
        for parent in _parents(name):
            self._found[parent] = FILLED + self._found.get(parent, b"")[1:]

    def _refuse_unsafe(self, member: tarfile.TarInfo) -> None:
        self._refuse_name(member.name)
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            raise Unsafe(f"{member.name!r} is neither file, directory nor link")
        if member.islnk():
            self._refuse_name(member.linkname)
            if self._found.get(member.linkname, b"")[:1] != PLAIN:
                raise Unsafe(f"{member.name!r} is a link to {member.linkname!r}, which is no file before it")
        if member.isreg() and member.size - _held(member) > MOST_HOLES:
            raise Unsafe(f"{member.name!r} has more than 1 TiB of holes")
        for parent in _parents(member.name):
            if self._found.get(parent, EMPTY)[:1] not in (EMPTY, FILLED):
                raise Unsafe(f"{member.name!r} is below something that is not a directory")

    def _refuse_name(self, name: str) -> None:
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "" in parts or "." in parts:
            raise Unsafe(f"{name!r} leads elsewhere")
        if not any(name == one or name.startswith(f"{one}/") for one in self._names):
            raise Unsafe(f"{name!r} does not belong into this part")


def _digest(entry: Mapping[str, object]) -> bytes:
    """Of a line without its path."""
    return hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=16).digest()


def _parents(name: str) -> Iterator[str]:
    place = name.find("/")
    while place >= 0:
        yield name[:place]
        place = name.find("/", place + 1)


def _held(member: tarfile.TarInfo) -> int:
    stretches = getattr(member, "sparse", None)
    return sum(size for _, size in stretches) if stretches is not None else member.size


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, object]:
    entry: dict[str, object] = {"type": _type(member), "mode": member.mode & 0o7777}
    entry |= {"uid": member.uid, "gid": member.gid, "mtime": _nanoseconds(member), "size": 0}
    if member.isreg():
        # The raw file: the buffer would only copy all of it once more.
        if isinstance(file := archive.extractfile(member), io.BufferedReader):
            entry |= {"size": member.size, "sha256": _digest_of(file.raw)}
    elif member.issym():
        entry["target"] = member.linkname
    attributes = dict(sorted(_attributes(member)))
    return {**entry, "attributes": attributes} if attributes else entry


def _digest_of(file: io.RawIOBase) -> str:
    found = hashlib.sha256()
    while piece := file.read(CHUNK):
        found.update(piece)
    return found.hexdigest()


def _type(member: tarfile.TarInfo) -> str:
    return FILE if member.isreg() else DIRECTORY if member.isdir() else LINK


def _nanoseconds(member: tarfile.TarInfo) -> int:
    """tarfile gives a float, which is not exact."""
    return int(Decimal(member.pax_headers.get("mtime", str(int(member.mtime)))) * 10**9)


def _attributes(member: tarfile.TarInfo) -> Iterator[tuple[str, str]]:
    for key, value in member.pax_headers.items():
        name = key.removeprefix("SCHILY.xattr.")
        if name != key and not name.startswith(PLACED):
            yield name, value.encode("utf-8", "surrogateescape").hex()
