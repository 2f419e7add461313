"""Directories of backups, as small as a backup can be."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

PARTS = ("volumes", "config", "ssl", "files")


def make(directory: Path, name: str, **changed: object) -> Path:
    """A complete backup of this name; `changed` replaces entries of its manifest."""
    path = directory / name
    path.mkdir(parents=True)
    parts = [_part(path, part) for part in PARTS]
    stamp = "".join(name.split("_")[-2:])
    time = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}Z"
    manifest = {"id": name, "time": time, "bytes": 4, "release": {"id": "r1"}, "parts": parts, **changed}
    (path / "manifest.json").write_text(json.dumps(manifest))
    sum_up(path)
    return path


def sum_up(path: Path) -> None:
    """Write the sums of the files that are there."""
    named = sorted(file for file in path.iterdir() if file.name not in ("SHA256SUMS", "verified"))
    sums = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in named if file.is_file())
    (path / "SHA256SUMS").write_text("".join(sums))


def change_manifest(path: Path, change: Callable[[dict[str, object]], Mapping[str, object]]) -> None:
    file = path / "manifest.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))


def _part(path: Path, part: str) -> dict[str, object]:
    file = path / f"{path.name}_{part}.tar.gz"
    file.write_text("x")
    return {"part": part, "file": file.name, "bytes": 1}
