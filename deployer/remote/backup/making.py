"""A backup that is being made: its directory, the files of its parts, and what the manifest says of it."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from deployer.remote import output
from deployer.remote.backup.archive import suffix
from deployer.remote.backup.freeze import Pause
from deployer.remote.backup.tree import FILE, Item, shown
from deployer.remote.host import Host

NAMED = 100
"""Databases that the manifest names at most: it is read with every list of backups."""
SHOWN = 5
"""Paths that are named of those that have something in common; the others are counted."""


@dataclass
class Counted:
    """Files of a part, and their bytes."""

    files: int = 0
    unpacked: int = 0

    def add(self, kind: str, size: int) -> None:
        if kind == FILE:
            self.files += 1
            self.unpacked += size


@dataclass
class Named:
    """Paths that have something in common: the first ones, and how many there are."""

    paths: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, path: str) -> None:
        self.count += 1
        if len(self.paths) < SHOWN:
            self.paths.append(path)


@dataclass
class Making:
    """`stack` ends what parts have begun; `after` are their last checks, which run at the same time."""

    host: Host
    id: str
    time: str
    work: Path
    pause: Pause = field(default_factory=Pause)
    measured: int = 0
    changed: int = 0
    rows: Mapping[str, int] | None = None
    unfolded: Mapping[str, str] = field(default_factory=dict)
    counts: dict[str, Counted] = field(default_factory=dict)
    omitted: dict[str, Named] = field(default_factory=dict)
    mounted: list[str] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)
    after: list[Callable[[], None]] = field(default_factory=list)

    def archive(self, part: str) -> Path:
        """Where the part's archive is written."""
        return self.work / f"{self.id}_{part}.tar.{suffix()}"

    @property
    def offsite(self) -> bool:
        return self.host.config.backup.offsite

    @property
    def listing(self) -> Path:
        """The lines of all files in all parts."""
        return self.work / "listing"

    def omit(self, path: str, why: str) -> None:
        """Remember what is not in the backup."""
        self.omitted.setdefault(why, Named()).add(path)

    def report(self) -> None:
        """Name what is not in the backup, or not as it should be."""
        for point in self.mounted:
            output.say(f"{point} is a mount: what it holds is in the backup, and a restore cannot replace it")
        for why, named in self.omitted.items():
            more = f" and {named.count - len(named.paths)} more" if named.count > len(named.paths) else ""
            output.say(f"not in the backup: {', '.join(map(shown, named.paths))}{more}: {why}")
        for path, why in islice(self.unfolded.items(), SHOWN):
            output.say(f"the SQLite database {shown(path)} is in the backup as it was, with its log or journal: {why}")
        if len(self.unfolded) > SHOWN:
            output.say(f"so are {len(self.unfolded) - SHOWN} more; the manifest names {NAMED} of them at most")


def existing(items: tuple[Item, ...]) -> tuple[str, ...]:
    """The paths of those that exist."""
    return tuple(item.path for item in items if Path(item.base, item.path).exists())
