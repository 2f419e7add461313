"""The backups in the directory: their ids, and why one is incomplete."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from deployer.remote.config import Config

PARTS = ("volumes", "config", "ssl", "files")
SUM = re.compile(r"^([0-9a-f]{64})  ([A-Za-z0-9_.-]+)$", re.MULTILINE)


def backups(config: Config) -> tuple[Path, ...]:
    """The directories of all backups, the oldest first."""
    pattern = re.compile(re.escape(config.name) + r"_[0-9]{8}_[0-9]{6}")
    return tuple(path for path in sorted(config.backups.glob("*")) if pattern.fullmatch(path.name) and path.is_dir())


def complete(config: Config) -> tuple[Path, ...]:
    return tuple(path for path in backups(config) if not problem(path))


def problem(backup: Path) -> str:
    """Why it is incomplete, by names and sizes alone; empty for a complete one."""
    return next(_problems(backup), "")


def manifest(backup: Path) -> dict[str, object]:
    """Empty where it cannot be read."""
    try:
        found = json.loads(_text(backup / "manifest.json"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def sums(backup: Path) -> dict[str, str]:
    """The digest of each file, as SHA256SUMS has it."""
    return {name: digest for digest, name in SUM.findall(_text(backup / "SHA256SUMS"))}


def _problems(backup: Path) -> Iterator[str]:
    summed, sizes = sums(backup), _sizes(manifest(backup))
    yield from (f"{name} is missing" for name in summed or ("SHA256SUMS",) if not (backup / name).is_file())
    if not sizes:
        yield "its manifest cannot be read"
    present = {name.partition(".")[0].removeprefix(f"{backup.name}_") for name in sizes}
    yield from (f"its manifest names no {part}" for part in PARTS if part not in present)
    yield from (f"SHA256SUMS does not name {name}" for name in ("manifest.json", *sizes) if name not in summed)
    for name, size in sizes.items():
        found = (backup / name).stat().st_size
        if found != size:
            yield f"{name} has {found} bytes instead of {size}"


def _sizes(found: dict[str, object]) -> dict[str, int]:
    parts = found.get("parts")
    named = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return {str(part.get("file")): size for part in named if isinstance(size := part.get("bytes"), int)}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
