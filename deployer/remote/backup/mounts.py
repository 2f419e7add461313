"""Mounts below a directory, also those of the same device: what is renamed or removed with it goes with them."""

import re
import shutil
from pathlib import Path

from deployer.remote.failure import Failure

TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def below(directory: Path) -> tuple[Path, ...]:
    """The directory itself, or what is below it, where something is mounted."""
    wanted = directory.parent.resolve() / directory.name
    points = (Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), line.split()[4])) for line in _lines())
    return tuple(point for point in points if point == wanted or wanted in point.parents)


def remove(directory: Path) -> None:
    """Remove a directory with all that is in it. Raises Failure where something is mounted there, or that fails."""
    if found := below(directory):
        raise Failure(f"{directory} is not removed: something is mounted at {found[0]}; unmount it, then try again")
    if directory.is_symlink() or directory.exists():
        try:
            shutil.rmtree(directory)  # by handles: it follows no link
        except OSError as error:
            raise Failure(f"{directory} cannot be removed: {error}") from error


def _lines() -> list[str]:
    return TABLE.read_text(errors="surrogateescape").splitlines()
