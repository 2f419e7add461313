"""The list of files of a backup, and whether what was unpacked is as it says.

For each path there are a few bytes in memory. A list of an older version may have what is not restored: setuid bits and
capabilities.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from deployer.remote.backup import catalogue
from deployer.remote.backup.attributes import is_kept
from deployer.remote.backup.parts import Part
from deployer.remote.backup.reading import opened
from deployer.remote.backup.tar import KEPT_OF_DIRECTORY, KEPT_OF_FILE
from deployer.remote.backup.tree import DIRECTORY, FILE, Item
from deployer.remote.failure import Failure


class Listed:
    """The lines of some names: `directories` are the times of the directories, in nanoseconds."""

    def __init__(self, backup: Path, items: Iterable[Item]) -> None:
        """Raises Failure where the list cannot be read."""
        self.digests: dict[str, bytes] = {}
        self.directories: dict[str, int] = {}
        names = tuple(item.path for item in items)
        with opened(backup, "files") as lines:
            for entry in map(json.loads, lines):
                if is_below(entry["path"], names):
                    self.digests[entry["path"]] = digest(entry)
                    if entry["type"] == DIRECTORY:
                        self.directories[entry["path"]] = entry["mtime"]

    def has(self, entry: Mapping[str, object]) -> bool:
        """Whether a file, directory or link is as its line says."""
        return self.digests.get(str(entry["path"])) == digest(entry)


def is_below(path: str, names: Iterable[str]) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in names)


def digest(entry: Mapping[str, object]) -> bytes:
    """Of a line without its path, as far as a restore brings it back."""
    kept = KEPT_OF_DIRECTORY if entry["type"] == DIRECTORY else KEPT_OF_FILE
    line = {key: value for key, value in entry.items() if key not in ("path", "attributes")}
    line["mode"] = int(str(entry["mode"])) & kept
    given = entry.get("attributes")
    if attributes := {name: value for name, value in dict(given or {}).items() if is_kept(name)}:  # type: ignore[call-overload]
        line["attributes"] = attributes
    return hashlib.blake2b(json.dumps(line, sort_keys=True).encode(), digest_size=16).digest()


def check_counts(backup: Path, parts: Iterable[Part]) -> int:
    """The number of files of these parts. Raises Failure where the manifest has others, or other bytes of them."""
    names = {part.name: tuple(item.path for item in part.items) for part in parts if part.items}
    counted = dict.fromkeys(names, (0, 0))
    with opened(backup, "files") as lines:
        for entry in map(json.loads, lines):
            part = next((name for name, below in names.items() if is_below(entry["path"], below)), "")
            if part and entry["type"] == FILE:
                files, size = counted[part]
                counted[part] = files + 1, size + entry["size"]
    wanted = _wanted(backup)
    for part, here in counted.items():
        if here != (there := wanted.get(part, (0, 0))):
            raise Failure(
                f"{part}: the list has {here[0]} files of {here[1]} bytes, "
                f"the manifest has {there[0]} files of {there[1]} bytes"
            )
    return sum(files for files, _ in counted.values())


def _wanted(backup: Path) -> Mapping[str, tuple[int, int]]:
    parts = catalogue.look_at(backup.parent, backup.name).manifest.get("parts")
    named = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return {str(part.get("part")): (part.get("files", 0), part.get("unpacked", 0)) for part in named}
