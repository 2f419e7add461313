"""Remove from an unpacked backup what its list of files lacks: `trim.py BASE NAME…`, the list on standard input.

Runs on the host, as `python3 -c`. A file that the application removed between a backup's first scan and the pause is in
the archive but not in the list. Removing it changes the times of its directory, which are restored.
"""

import json
import os
import sys
from pathlib import Path


def main(base: Path, names: list[str]) -> None:
    listed = {entry["path"]: entry for entry in map(json.loads, sys.stdin)}
    for name in names:
        _trim(base, name, listed)
    for path in sorted(listed, reverse=True):
        entry, full = listed[path], base / path
        if entry["type"] == "directory" and full.is_dir() and full.lstat().st_mtime_ns != entry["mtime"]:
            os.utime(full, ns=(full.lstat().st_atime_ns, entry["mtime"]))


def _trim(base: Path, path: str, listed: dict[str, dict[str, int]]) -> None:
    full = base / path
    if full.is_dir() and not full.is_symlink():
        for inner in list(full.iterdir()):
            _trim(base, f"{path}/{inner.name}", listed)
        if path not in listed:
            full.rmdir()
    elif path not in listed and os.path.lexists(full):
        full.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
