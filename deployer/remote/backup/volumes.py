"""The part `volumes`: data/ and logs/, which the application writes while they are read.

Files are read while it runs. During the pause they are compared with that: what has changed is set aside, and added to
the archive after its older state. So everything is of the instant of the pause.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deployer.remote.backup import mounts, sizes, sqlite
from deployer.remote.backup.archive import Content, archiving, check_written
from deployer.remote.backup.files_alone import FilesAlone
from deployer.remote.backup.making import Counted, Making, existing
from deployer.remote.backup.staging import Copy, Staging
from deployer.remote.backup.tree import (
    FILE,
    LINK,
    Found,
    Item,
    Omit,
    kind_and_size,
    signature,
    uncertain,
    walk,
)
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.stopping_points import reached

ITEMS = ("data", "logs")
RECENT_NANOSECONDS = 100_000_000
"""For which a second write could leave the same time."""
KEPT = b"kept "
"""In front of the signature of what has not changed until the pause."""


class Reshaped(Exception):
    """A path became something else during the backup: no archive that has both can be unpacked."""


class Volumes(FilesAlone):
    """data/ and logs/."""

    name = "volumes"

    def __init__(self, host: Host) -> None:
        self._host = host
        self.items = tuple(Item(host.config.root_directory, name) for name in ITEMS)
        self._signed: dict[str, bytes] = {}
        """What the archive has, in the order of its listing."""
        self._digests: dict[str, str] = {}

    def contents(self) -> tuple[str, ...]:
        return existing(self.items)

    def check(self) -> bool:
        """Raises Failure where data/ is missing, or either is no directory."""
        root = self._host.config.root_directory
        for item in self.items:
            path = Path(item.base, item.path)
            if path.is_symlink():
                raise Failure(f"{path} is a link, which is not followed: mount {path.resolve()} there (mount --bind)")
        if not (root / "data").is_dir():
            raise Failure(f"nothing to back up: {root / 'data'} is missing")
        return sizes.has_files(self.items)

    def measure(self) -> int:
        return sizes.held(self.items)

    def read(self, making: Making) -> None:
        self._first = making.stack.enter_context((making.work / "first").open("w+"))
        self._archive = making.stack.enter_context(
            archiving(making.archive(self.name), self._first, offsite=making.offsite)
        )
        for found in self._found(lambda path, why: None):
            self._read(found)
        reached("data read")

    def _read(self, found: Found) -> None:
        """Links, and what a database keeps with its file while it works, wait for the pause; so does what is recent."""
        recent = found.state.st_ctime_ns > time.time_ns() - RECENT_NANOSECONDS
        waits = found.kind == LINK or (found.kind == FILE and (recent or found.path.endswith(sqlite.COMPANIONS)))
        if waits or found.path in self._signed:
            return
        if state := self._archive.add(found):
            self._signed[found.path] = uncertain(signature(state)) if recent else signature(state)

    def freeze(self, making: Making) -> None:
        directory = self._host.config.state / "staged"
        making.stack.callback(shutil.rmtree, directory, ignore_errors=True)
        self._staging = Staging(directory, lambda: making.pause.left)
        for found in self._found(making.omit):
            self._compare(found, making)
        making.mounted = [str(point) for item in self.items for point in mounts.below(Path(item.base, item.path))]
        making.changed = len(self._staging.copies)

    def _compare(self, found: Found, making: Making) -> None:
        signed, read = signature(found.state), self._signed.get(found.path)
        has_log = found.kind == FILE and not found.siblings.isdisjoint(found.name + end for end in sqlite.LOGS)
        if signed == read and not has_log:
            self._signed[found.path] = KEPT + signed
            return
        if read and kind_and_size(read)[0] != found.kind:
            raise Reshaped(found.path)
        self._staging.add(found)
        self._note(found, making)

    def _note(self, found: Found, making: Making) -> None:
        """What is not as somebody may expect."""
        if found.kind == LINK and leads_out(found.path, self._staging.copies[found.path].entry.target):
            making.omit(found.path, "it leads out of data/ and logs/, and only the link itself is in the backup")

    def finish(self, making: Making) -> None:
        making.unfolded = sqlite.fold(self._host, self._staging)
        with (making.work / "second").open("w+") as second:
            self._archive.listing = second
            for copy in self._staging.copies.values():
                self._add(copy)
            self._archive.close()
            self._write_listing(making, second)
        making.after.append(check_written(making.archive(self.name), making.stack))

    def _add(self, copy: Copy) -> None:
        """Add what was set aside."""
        if copy.link_to:
            self._archive.add_link(copy.entry, copy.link_to, self._digests[copy.link_to])
            return
        if not copy.content:
            self._archive.add_entry(copy.entry)
            return
        with copy.content.open("rb") as file:
            digest = self._archive.add_entry(copy.entry, Content(file.fileno(), copy.entry.size))
        if copy.is_shared:
            self._digests[copy.entry.path] = digest

    def _write_listing(self, making: Making, second: IO[str]) -> None:
        """List what counts of the first pass, and all of the second."""
        counted = making.counts.setdefault(self.name, Counted())
        self._first.seek(0)
        second.seek(0)
        with making.listing.open("a") as listing:
            for signed, line in zip(self._signed.values(), self._first, strict=True):
                if signed.startswith(KEPT):
                    listing.write(line)
                    counted.add(*kind_and_size(signed.removeprefix(KEPT)))
            shutil.copyfileobj(second, listing)
        for copy in self._staging.copies.values():
            counted.add(copy.entry.type, copy.entry.size)

    def _found(self, omit: Omit) -> Iterator[Found]:
        for item in self.items:
            yield from walk(item, omit)


def leads_out(path: str, target: str) -> bool:
    """Whether a link leads out of what is in the backup."""
    where = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120  # no Path: it is text
    return where.split("/")[0] not in ITEMS
