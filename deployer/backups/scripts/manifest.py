"""List the backups in a directory, one line of JSON for each, oldest first: id, problem, manifest, verified.

Runs on the host, as `python3 -c`, with the standard library alone: `manifest.py DIRECTORY NAME`. `problem` says why a
backup is incomplete, and is empty for a complete one. Only sizes and manifests are read: damage that does not change a
size is found by verify.sh.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PARTS = ("volumes", "config", "ssl", "files")
SUM = re.compile(r"[0-9a-f]{64}  ([A-Za-z0-9_.-]+)")
Manifest = dict[str, object]


def main(directory: str, name: str) -> None:
    pattern = re.compile(re.escape(name) + r"_[0-9]{8}_[0-9]{6}")
    for path in sorted(Path(directory).glob("*")):
        if pattern.fullmatch(path.name) and path.is_dir():
            sys.stdout.write(json.dumps(entry(path)) + "\n")


def entry(path: Path) -> dict[str, object]:
    manifest = _manifest(path)
    problem = next(_problems(path, manifest), "")
    return {"id": path.name, "problem": problem, "manifest": manifest, "verified": _text(path / "verified").strip()}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _manifest(path: Path) -> Manifest:
    try:
        found = json.loads(_text(path / "manifest.json"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _problems(path: Path, manifest: Manifest) -> Iterator[str]:
    """Why it is incomplete; nothing for a complete one."""
    summed, sizes = SUM.findall(_text(path / "SHA256SUMS")), _sizes(manifest)
    yield from (f"{name} is missing" for name in summed or ("SHA256SUMS",) if not (path / name).is_file())
    if not sizes:
        yield "its manifest cannot be read"
    present = {name.partition(".")[0].removeprefix(f"{path.name}_") for name in sizes}
    yield from (f"its manifest names no {part}" for part in PARTS if part not in present)
    yield from (f"SHA256SUMS does not name {name}" for name in ("manifest.json", *sizes) if name not in summed)
    for name, size in sizes.items():
        found = (path / name).stat().st_size
        if found != size:
            yield f"{name} has {found} bytes instead of {size}"


def _sizes(manifest: Manifest) -> dict[str, int]:
    parts = manifest.get("parts")
    named = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return {str(part.get("file")): size for part in named if isinstance(size := part.get("bytes"), int)}


if __name__ == "__main__":
    main(*sys.argv[1:])
