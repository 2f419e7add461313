"""The parts of a backup: one class and one entry of PARTS for each.

A backup asks each part, in this order: `check`, `read` while the application runs, `freeze` while it is paused, and
`finish` when it runs again. A part that cannot be made raises Failure, and there is no backup.

A restore unpacks its `items` alongside, and swaps them by renaming; what is no file does that by `unpack`, `swap` and
`swap_back`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from deployer.remote.backup.database import Database
from deployer.remote.backup.making import Making
from deployer.remote.backup.settled import certificates, configuration
from deployer.remote.backup.tree import Item
from deployer.remote.backup.volumes import Volumes
from deployer.remote.host import Host


class Part(Protocol):
    """One part of one backup."""

    @property
    def name(self) -> str:
        """As the name of its file and the manifest have it."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The files and directories of its archive; none where it is no archive."""

    def contents(self) -> tuple[str, ...]:
        """Those of its names that exist."""

    def check(self) -> bool:
        """Whether it has anything worth a backup. Raises Failure where it cannot be read at all."""

    def measure(self) -> int:
        """Bytes that it would read."""

    def read(self, making: Making) -> None:
        """Read what can be read while the application writes."""

    def freeze(self, making: Making) -> None:
        """Set aside, or mark, what has to be of one instant."""

    def finish(self, making: Making) -> None:
        """Write the part's file."""

    def unpack(self, backup: Path) -> bool:
        """Restore what is no file alongside the live one; whether there is such a thing in the backup."""

    def swap(self) -> None:
        """Put it in place of the live one, which is kept."""

    def swap_back(self) -> None:
        """Undo as much of that as was done. It may be repeated where it was interrupted."""


PARTS: Mapping[str, Callable[[Host], Part]] = {
    "data": Volumes,
    "config": configuration,
    "ssl": certificates,
    "database": Database,
}
"""By the names with which a restore is limited to one of them."""
