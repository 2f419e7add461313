"""Swapping what was unpacked with what is there, by renaming: broken off anywhere, it can be undone.

Where that is not possible, as between file systems, it is a copy that gets its name once it is complete.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deployer.remote import files
from deployer.remote.backup import mounts
from deployer.remote.backup.settled import CERTBOT
from deployer.remote.backup.tree import Item
from deployer.remote.failure import Failure
from deployer.remote.process import succeed
from deployer.remote.stopping_points import reached

COPIED, GONE = ".deployer-new", ".deployer-gone"
SECONDS = 12 * 3600.0
PRIVATE, OPEN = 0o700, 0o755


@dataclass(frozen=True)
class Swap:
    """`new` has what was unpacked, `former` gets what it replaces: the paths in `replaced`, which there were before."""

    items: tuple[Item, ...]
    new: Path
    former: Path
    replaced: frozenset[str]

    def do(self) -> None:
        """Raises Failure; as much as was done then is undone by `undo`."""
        for item in self.items:
            live = item.base / item.path
            reached(f"{item.path} is to be set aside")
            if os.path.lexists(live):
                move(live, self.former / item.path)
            reached(f"{item.path} is to be put in place")
            if os.path.lexists(self.new / item.path):
                move(self.new / item.path, live)

    def undo(self) -> None:
        """Undo as much as was done; it may be repeated where it was interrupted.

        What was restored is moved back to where it was unpacked. Raises Failure at the end, where something could not.
        """
        failures = [failure for item in self.items if (failure := self._undo(item))]
        if failures:
            raise Failure("\n".join(map(str, failures)))

    def _undo(self, item: Item) -> Failure | None:
        live, new, former = item.base / item.path, self.new / item.path, self.former / item.path
        try:
            is_new = os.path.lexists(former) or item.path not in self.replaced
            if is_new and os.path.lexists(live) and not os.path.lexists(new):
                move(live, new)
            if is_new:
                remove(live)
            if os.path.lexists(former):
                move(former, live)
            for ending in (COPIED, GONE):
                remove(live.with_name(live.name + ending))
        except (Failure, OSError) as error:
            return error if isinstance(error, Failure) else Failure(f"{live} could not be put back: {error.strerror}")
        return None


def present(items: Iterable[Item]) -> frozenset[str]:
    """The paths of those that there are."""
    return frozenset(item.path for item in items if os.path.lexists(item.base / item.path))


def move(source: Path, target: Path) -> None:
    """Raises Failure; the source is complete then, or the target is."""
    try:
        _make_directories(target.parent)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(source, target)
        files.sync_directory(target.parent)
    except OSError as error:
        raise Failure(f"{source} could not be moved to {target}: {error.strerror}") from error


def _copy(source: Path, target: Path) -> None:
    copied = target.with_name(target.name + COPIED)
    remove(copied)
    succeed("cp", "-a", "--", str(source), str(copied), limit=SECONDS)
    succeed("sync", "-f", str(copied), limit=SECONDS)
    copied.rename(target)
    with suppress(OSError):  # an overlay refuses: then the live one goes bit by bit, of which there is a complete copy
        source = source.rename(source.with_name(source.name + GONE))
    remove(source)


def _make_directories(directory: Path) -> None:
    """What certbot keeps is for root alone."""
    if not directory.exists():
        _make_directories(directory.parent)
        directory.mkdir(mode=PRIVATE if CERTBOT in directory.parents else OPEN)


def remove(path: Path) -> None:
    """Remove a file or directory; never through a mount. Raises Failure."""
    if path.is_dir() and not path.is_symlink():
        mounts.remove(path)
    else:
        path.unlink(missing_ok=True)
