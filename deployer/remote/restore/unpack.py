"""Unpacking a backup into a directory of root's, and checking it file by file before anything live is changed."""

import os
from dataclasses import dataclass
from pathlib import Path

from deployer.remote.backup import catalogue, mounts, sizes
from deployer.remote.backup.attributes import with_attributes
from deployer.remote.backup.manifest import digest_of_handle
from deployer.remote.backup.parts import Part
from deployer.remote.backup.reading import opened
from deployer.remote.backup.tar import Entry
from deployer.remote.backup.tree import DIRECTORY, LINK, Found, Item, shown, walk
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import run, succeed
from deployer.remote.restore.listed import Listed, check_counts
from deployer.remote.stopping_points import reached

SECONDS = 12 * 3600.0
SPARE = 16_000_000
"""Bytes that have to be free besides."""
EXTRACT = (
    *("--xattrs", "--xattrs-include=*", "--xattrs-exclude=security.*", "--acls", "--numeric-owner"),
    *("--same-owner", "--same-permissions", "--delay-directory-restore"),
)
SHOWN = 3


@dataclass(frozen=True)
class Unpacked:
    """A backup of which some parts are unpacked below a directory."""

    host: Host
    backup: Path
    directory: Path

    def unpack(self, parts: tuple[Part, ...]) -> int:
        """Unpack the files of these parts, each as it was backed up; how many. Raises Failure."""
        count = check_counts(self.backup, parts)
        self._check_space()
        for part in (each for each in parts if each.items):
            self._extract(part.name)
        items = tuple(Item(self.directory, item.path) for part in parts for item in part.items)
        listed = Listed(self.backup, items)
        self._remove_unlisted(items, listed)
        self._check(items, listed)
        succeed("sync", "-f", str(self.directory), limit=SECONDS)  # a renaming may reach the disk before the content
        return count

    def _check_space(self) -> None:
        unpacked = catalogue.look_at(self.backup.parent, self.backup.name).manifest.get("unpacked")
        needed = (unpacked if isinstance(unpacked, int) else 0) + SPARE
        root, free = self.host.config.root, sizes.free(self.directory)
        if free < needed:
            raise Failure(
                f"not enough disk space below {root} to unpack the backup: "
                f"{sizes.megabytes(needed)} are needed, {sizes.megabytes(free)} are free"
            )

    def _extract(self, part: str) -> None:
        reached(f"{part} is to be unpacked")
        with opened(self.backup, part) as stream:
            result = run("tar", "-C", str(self.directory), *EXTRACT, "-xf", "-", limit=SECONDS, stdin=stream)
            if not result.succeeded:
                raise Failure(f"unpacking {part} failed: {result.last_lines}")

    def _remove_unlisted(self, items: tuple[Item, ...], listed: Listed) -> None:
        """What the application removed between the first scan and the pause is in the archive, and not in the list."""
        found = [one for item in items for one in self._paths(item) if one[0] not in listed.digests]
        for path, is_directory in reversed(found):
            (os.rmdir if is_directory else os.unlink)(self.directory / path)

    def _paths(self, item: Item) -> list[tuple[str, bool]]:
        return [(found.path, found.kind == DIRECTORY) for found in walk(item, _refuse)]

    def _check(self, items: tuple[Item, ...], listed: Listed) -> None:
        """Compare everything with the list: content, owners, modes, times, attributes. Raises Failure."""
        differing = []
        missing = set(listed.digests)
        for found in (one for item in items for one in walk(item, _refuse)):
            missing.discard(found.path)
            if not listed.has(_entry(found, listed)):
                differing.append(found.path)
        differing += sorted(missing)
        if differing:
            paths = ", ".join(map(shown, differing[:SHOWN]))
            raise Failure(f"the unpacked files differ from those that were backed up: {paths}")


def _refuse(path: str, why: str) -> None:
    raise Failure(f"{shown(path)} cannot be restored: it is {why}")


def _entry(found: Found, listed: Listed) -> dict[str, object]:
    """Its line, as it is on the disk. What gives somebody else's rights to a program is removed."""
    if found.kind == LINK:
        entry = Entry.of(found.path, found.state)
        return {**entry.listed(), "target": found.target}
    if found.kind == DIRECTORY:
        return _of_directory(found, listed)
    handle = found.open()
    try:
        entry = with_attributes(Entry.of(found.path, found.state), handle)
        if os.fstat(handle).st_mode & 0o7777 != entry.mode:
            os.fchmod(handle, entry.mode)
        return entry.listed(digest_of_handle(handle))
    finally:
        os.close(handle)


def _of_directory(found: Found, listed: Listed) -> dict[str, object]:
    """Whose time is set anew where something in it was removed."""
    time = listed.directories.get(found.path)
    if time is not None and found.state.st_mtime_ns != time:
        os.utime(found.handle, ns=(found.state.st_atime_ns, time))
    entry = Entry.of(found.path, os.fstat(found.handle))
    return with_attributes(entry, found.handle).listed()


def refuse_mounts(items: tuple[Item, ...]) -> None:
    """A mount is not replaced by renaming, and what is renamed takes it along. Raises Failure where there is one."""
    for item in items:
        for point in mounts.below(item.base / item.path):
            raise Failure(
                f"something is mounted at {point}, so {item.base / item.path} cannot be swapped: "
                "restore the other parts with --only, and this one by hand (docs/backups.md)"
            )
