"""Walking below a directory by handles: no link is followed, whatever the application exchanges meanwhile."""

import os
import stat
import struct
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from deployer.remote.failure import Failure

FILE, DIRECTORY, LINK = "file", "directory", "link"
KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: LINK}
OTHERS = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a pipe",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}
LONGEST = 3800
"""Bytes of a path: with the directory in front into which it is restored it is below the system's 4096."""
DEEPEST = 200
"""Directories in each other; a handle is open for each."""
MOST_HOLES = 1 << 40
"""Bytes that a file has in its size, and not on the disk: their digest takes a quarter of an hour."""

Omit = Callable[[str, str], None]
"""Called with the path of what is left out, and why."""


@dataclass(frozen=True)
class Item:
    """A file or directory that belongs to a backup: its path below `base`, and in the backup."""

    base: Path
    path: str


@dataclass(frozen=True)
class Found:
    """A file, directory or link in the directory `parent`; `handle` is open for a directory.

    `siblings` are the names in its directory.
    """

    path: str
    name: str
    parent: int
    state: os.stat_result
    siblings: Set[str]
    handle: int = -1

    @property
    def kind(self) -> str:
        return KINDS[stat.S_IFMT(self.state.st_mode)]

    @property
    def target(self) -> str:
        """Of a link. Raises OSError."""
        return os.readlink(self.name, dir_fd=self.parent)

    def open(self) -> int:
        """A handle for reading a regular file; nothing else is opened, not even a device. Raises OSError."""
        path = os.open(self.name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.parent)
        try:
            if not stat.S_ISREG(os.fstat(path).st_mode):
                raise FileNotFoundError(f"{self.path} is not a file any more")
            return os.open(f"/proc/self/fd/{path}", os.O_RDONLY)
        finally:
            os.close(path)


def walk(item: Item, omit: Omit) -> Iterator[Found]:
    """Everything of an item, a directory before what is in it; nothing where it does not exist.

    What disappears meanwhile is passed over. Raises Failure for what cannot be read.
    """
    path = Path(item.base, item.path)
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)  # root's, as are the directories above it
    except FileNotFoundError:
        return
    try:
        yield from _below(item.path, path.name, parent, frozenset(), omit)
    finally:
        os.close(parent)


def _below(path: str, name: str, parent: int, siblings: Set[str], omit: Omit) -> Iterator[Found]:
    try:
        state = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, error) from error
    if why := _reason_to_omit(path, state):
        omit(path, why)
    elif stat.S_ISDIR(state.st_mode):
        yield from _directory(path, name, parent, siblings, omit)
    else:
        yield Found(path, name, parent, state, siblings)


def _directory(path: str, name: str, parent: int, siblings: Set[str], omit: Omit) -> Iterator[Found]:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        yield Found(path, name, parent, os.fstat(handle), siblings, handle)
        names = _names(path, handle)
        for inner in sorted(names):
            yield from _below(f"{path}/{inner}", inner, handle, names, omit)
    finally:
        os.close(handle)


def _names(path: str, handle: int) -> Set[str]:
    try:
        return set(os.listdir(handle))
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> Failure:
    return Failure(f"{shown(path)} cannot be read: {error.strerror}")


def _reason_to_omit(path: str, state: os.stat_result) -> str:
    kind = stat.S_IFMT(state.st_mode)
    if kind not in KINDS:
        return OTHERS.get(kind, "of an unknown kind")
    if len(os.fsencode(path)) > LONGEST or path.count("/") > DEEPEST:
        return "its path is too long to be restored"
    if kind == stat.S_IFREG and state.st_size - state.st_blocks * 512 > MOST_HOLES:
        return "its size is more than 1 TiB above what it has on the disk"
    return ""


_SIGNATURE = struct.Struct("=IIIQqqQQ")


def signature(state: os.stat_result) -> bytes:
    """Differs whenever the file may have changed: a file has another time after each change of it or of its entry."""
    times = (state.st_mtime_ns, state.st_ctime_ns)
    return _SIGNATURE.pack(state.st_mode, state.st_uid, state.st_gid, state.st_size, *times, state.st_ino, state.st_dev)


def uncertain(signed: bytes) -> bytes:
    """A signature that no state has, of the same kind."""
    mode, *rest = _SIGNATURE.unpack(signed)
    return _SIGNATURE.pack(stat.S_IFMT(mode), *(0 for _ in rest))


def kind_and_size(signed: bytes) -> tuple[str, int]:
    """What a signature has of the file."""
    mode, _, _, size, *_ = _SIGNATURE.unpack(signed)
    return KINDS[stat.S_IFMT(mode)], size


def shown(path: str) -> str:
    """A path for a person: what could be anything but text is escaped."""
    return path if path.isprintable() else repr(path)
