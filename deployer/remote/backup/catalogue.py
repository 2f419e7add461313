"""The catalogue: the backups in their directory, and which of them are complete.

A backup is a directory NAME_YYYYmmdd_HHMMSS (UTC) with its parts, manifest.json, and SHA256SUMS over all of them. It
may have been brought from elsewhere: its manifest is data of any shape, and only regular files count, never links.
Sizes and manifests alone are read: damage that does not change a size is found by verification.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from deployer.remote import handles, output
from deployer.remote.config import Config
from deployer.remote.failure import Failure
from deployer.remote.host import Host

PARTS = ("volumes", "config", "ssl", "files")
"""Those that every backup has."""
MANIFEST, SUMS, VERIFIED = "manifest.json", "SHA256SUMS", "verified"
LARGEST, DEEPEST = 1 << 20, 8
"""Bytes of a manifest or list of sums; objects and lists within each other in a manifest."""
ID = "_[0-9]{8}_[0-9]{6}"
"""What follows the deployment's name; a regular expression."""
SUM = re.compile(r"^([0-9a-f]{64})  ([A-Za-z0-9_.-]+)$", re.MULTILINE)
TIME = "%Y-%m-%dT%H:%M:%SZ"
RELEASE: Mapping[str, re.Pattern[str]] = {
    "id": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"),
    "commit": re.compile(r"[0-9a-f]{0,64}"),  # short, or none, where the log of releases was rebuilt
}
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,499}")


@dataclass(frozen=True)
class Backup:
    """One backup; `problem` says why it is incomplete, and is empty for a complete one.

    `verified` is the time of the last verification after it was made, and empty without one.
    """

    id: str
    problem: str
    manifest: Mapping[str, object]
    verified: str


def backups(host: Host, words: Sequence[str]) -> None:
    """The verb `backups [NUMBER]`: a line of JSON for each, or for so many of the latest, oldest first."""
    for backup in catalogue(host.config)[-int(words[0]) if words else None :]:
        output.say(json.dumps(asdict(backup)))


def catalogue(config: Config) -> list[Backup]:
    """All backups, oldest first. Raises Failure where their directory cannot be read; an absent one has none."""
    pattern = re.compile(re.escape(config.name) + ID)
    try:
        with os.scandir(config.backups) as found:
            names = [one.name for one in found if pattern.fullmatch(one.name) and one.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Failure(f"{config.backups} cannot be read: {error.strerror}") from error
    return [look_at(config.backups, name) for name in sorted(names)]


def complete(config: Config) -> list[Backup]:
    """The complete ones, oldest first."""
    return [backup for backup in catalogue(config) if not backup.problem]


def look_at(directory: Path, name: str) -> Backup:
    """The backup of this name in a directory."""
    path = directory / name
    manifest = _manifest(path)
    problem = next(_problems(path, manifest), "")
    verified = _text(path, VERIFIED).strip()
    return Backup(name, problem, manifest, verified if is_time(verified) else "")


def sums_of(path: Path) -> Mapping[str, str]:
    """The digest of each file of a backup, as SHA256SUMS has it."""
    return {name: digest for digest, name in SUM.findall(_text(path, SUMS))}


def is_time(value: object) -> bool:
    """Whether a value is a time as manifests have it: 2025-10-12T02:00:00Z."""
    with suppress(ValueError, TypeError):
        return datetime.strptime(value, TIME).strftime(TIME) == value  # type: ignore[arg-type] # any value
    return False


def _text(path: Path, name: str) -> str:
    """The content of a small regular file; empty where there is none."""
    try:
        handle = handles.open_file(path, name)
    except (OSError, Failure):
        return ""
    with os.fdopen(handle, "rb") as file:
        content = file.read(LARGEST + 1)
    return content.decode(errors="replace") if len(content) <= LARGEST else ""


def _manifest(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(_text(path, MANIFEST), parse_int=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and _is_shallow(found, DEEPEST) else {}


def _number(digits: str) -> int:
    """Raises ValueError for what is no size of anything."""
    if len(digits) > 18:
        raise ValueError("too large a number")
    return int(digits)


def _is_shallow(value: object, deepest: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return deepest > 0 and all(_is_shallow(each, deepest - 1) for each in inner)


def _problems(path: Path, manifest: Mapping[str, object]) -> Iterator[str]:
    """Why it is incomplete; nothing for a complete one."""
    summed, sizes = sums_of(path), _sizes(manifest)
    yield from filter(None, (_missing(path / name) for name in summed or (SUMS,)))
    if not sizes:
        yield "its manifest cannot be read"
    present = {name.partition(".")[0].removeprefix(f"{path.name}_") for name in sizes}
    yield from (f"its manifest names no {part}" for part in PARTS if part not in present)
    yield from (f"{SUMS} does not name {name}" for name in (MANIFEST, *sizes) if name not in summed)
    for name, size in sizes.items():
        found = (path / name).lstat().st_size
        if found != size:
            yield f"{name} has {found} bytes instead of {size}"
    if not is_time(manifest.get("time")):
        yield "its manifest names no time"
    if not _is_release(manifest.get("release")):
        yield "its manifest names no release as this tool makes them"


def _missing(path: Path) -> str:
    try:
        return "" if stat.S_ISREG(path.lstat().st_mode) else f"{path.name} is not a regular file"
    except OSError:
        return f"{path.name} is missing"


def _sizes(manifest: Mapping[str, object]) -> dict[str, int]:
    parts = manifest.get("parts")
    named = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return {str(part.get("file")): size for part in named if isinstance(size := part.get("bytes"), int)}


def _is_release(release: object) -> bool:
    """Whether it is none, or one whose id, commit and images are what they should be: commands get them as words."""
    if not isinstance(release, dict):
        return release is None
    tags = release.get("tags", {})
    return all(pattern.fullmatch(str(release.get(key, ""))) for key, pattern in RELEASE.items()) and (
        isinstance(tags, dict) and all(TAG.fullmatch(str(each)) for pair in tags.items() for each in pair)
    )
