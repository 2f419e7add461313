"""Members of a tar archive as bytes, in the format that GNU tar calls posix (pax), with holes as it writes them."""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from deployer.remote.backup.tree import DIRECTORY, FILE, KINDS, LINK

BLOCK = 512
RECORD = 20 * BLOCK
"""What tar reads at once: it leaves what is behind the record with the end, and the decompressor would be killed."""
TYPES = {FILE: b"0", DIRECTORY: b"5", LINK: b"2"}
HARD_LINK, EXTENDED = b"1", b"x"
LARGEST_SIZE, LARGEST_ID = 0o77777777777, 0o7777777
KEPT_OF_FILE, KEPT_OF_DIRECTORY = 0o1777, 0o3777
"""Bits of a mode."""
NAME = 100
"""Bytes of a name that a header holds by itself."""

Extents = Sequence[tuple[int, int]]
"""Offset and length of each stretch of a file that has content."""


@dataclass(frozen=True)
class Entry:
    """A file, directory or link as it is archived and listed; mtime in nanoseconds."""

    path: str
    type: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    target: str = ""
    attributes: Mapping[str, bytes] = field(default_factory=dict)
    acls: Mapping[str, bytes] = field(default_factory=dict)
    """As text, by `access` and `default`: they are not listed."""

    @classmethod
    def of(cls, path: str, state: os.stat_result) -> "Entry":
        """Without what is not in the state: a link's target, attributes."""
        kind = KINDS[stat.S_IFMT(state.st_mode)]
        size = state.st_size if kind == FILE else 0
        return cls(path, kind, kept_mode(state), state.st_uid, state.st_gid, state.st_mtime_ns, size)

    def listed(self, digest: str = "") -> dict[str, object]:
        """Its line in the list of files."""
        line: dict[str, object] = {name: getattr(self, name) for name in ("path", "type", "mode", "uid", "gid")}
        line |= {"mtime": self.mtime, "size": self.size}
        if self.type == FILE:
            line["sha256"] = digest
        if self.type == LINK:
            line["target"] = self.target
        if self.attributes:
            line["attributes"] = {name: value.hex() for name, value in self.attributes.items()}
        return line


def kept_mode(state: os.stat_result) -> int:
    """The mode without what gives somebody else's rights to a program; for a directory setgid only sets a group."""
    return stat.S_IMODE(state.st_mode) & (KEPT_OF_DIRECTORY if stat.S_ISDIR(state.st_mode) else KEPT_OF_FILE)


def header(entry: Entry, hard_link_to: str = "", extents: Extents | None = None) -> bytes:
    """All that is in front of the content: for a file with holes also the map of its extents."""
    name = os.fsencode(entry.path) + (b"/" if entry.type == DIRECTORY else b"")
    link = os.fsencode(hard_link_to or entry.target)
    content = 0 if hard_link_to else entry.size
    kind = HARD_LINK if hard_link_to else TYPES[entry.type]
    records = _records(entry)
    sparse_map = b""
    if extents is not None:
        sparse_map = _map(extents)
        content = len(sparse_map) + sum(length for _, length in extents)
        records |= _sparse(name, entry.size)
        name = b"GNUSparseFile"
    records |= _overflowing(entry, name, link, content)
    extended = b"".join(_record(key.encode(), value) for key, value in records.items())
    front = _of_records(len(extended)) + padded(extended)
    return front + _block(name, entry, content, kind, link) + sparse_map


def padded(content: bytes) -> bytes:
    return content + padding(len(content))


def padding(size: int) -> bytes:
    """What fills the last block of so many bytes."""
    return bytes(-size % BLOCK)


def end(size: int) -> bytes:
    """What ends an archive of so many bytes."""
    return bytes(2 * BLOCK) + bytes(-(size + 2 * BLOCK) % RECORD)


def _records(entry: Entry) -> dict[str, bytes]:
    seconds, nanoseconds = divmod(abs(entry.mtime), 10**9)
    sign = b"-" if entry.mtime < 0 else b""
    return {
        "mtime": sign + b"%d.%09d" % (seconds, nanoseconds),
        **{f"SCHILY.xattr.{name}": value for name, value in entry.attributes.items()},
        **{f"SCHILY.acl.{name}": value for name, value in entry.acls.items()},
    }


def _sparse(name: bytes, size: int) -> dict[str, bytes]:
    return {
        "GNU.sparse.major": b"1",
        "GNU.sparse.minor": b"0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": b"%d" % size,
    }


def _map(extents: Extents) -> bytes:
    numbers = (len(extents), *(number for extent in extents for number in extent))
    return padded(b"".join(b"%d\n" % number for number in numbers))


def _overflowing(entry: Entry, name: bytes, link: bytes, size: int) -> dict[str, bytes]:
    """What the header has no space for."""
    found = {
        "path": (name, len(name) > NAME or not name.isascii()),
        "linkpath": (link, len(link) > NAME or not link.isascii()),
        "size": (b"%d" % size, size > LARGEST_SIZE),
        "uid": (b"%d" % entry.uid, entry.uid > LARGEST_ID),
        "gid": (b"%d" % entry.gid, entry.gid > LARGEST_ID),
    }
    return {key: value for key, (value, overflows) in found.items() if overflows}


def _record(key: bytes, value: bytes) -> bytes:
    """LENGTH KEY=VALUE: the length counts its own digits."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%s" % (length, rest)


@lru_cache
def _of_records(size: int) -> bytes:
    """The header of so many bytes of records."""
    return _block(b"PaxHeader", Entry("", FILE, 0o600, 0, 0, 0, 0), size, EXTENDED)


def _block(name: bytes, entry: Entry, size: int, kind: bytes, link: bytes = b"") -> bytes:
    seconds = min(max(entry.mtime // 10**9, 0), LARGEST_SIZE)
    owner = (min(entry.uid, LARGEST_ID), min(entry.gid, LARGEST_ID))
    front = name[:NAME].ljust(NAME, b"\0") + b"%07o\0%07o\0%07o\0" % (entry.mode, *owner)
    front += b"%011o\0%011o\0" % (min(size, LARGEST_SIZE), seconds)
    back = kind + link[:NAME].ljust(NAME, b"\0") + b"ustar\x0000" + bytes(64) + b"%07o\0%07o\0" % (0, 0) + bytes(167)
    checksum = sum(front) + sum(back) + 8 * ord(" ")
    return front + b"%06o\0 " % checksum + back
