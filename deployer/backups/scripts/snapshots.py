"""List the backups in a restic repository, one line of JSON for each, oldest first.

Runs on the host, as `python3 -c`, with the standard library alone; reads the output of `restic snapshots --json`. The
lines have the form of those of manifest.py.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping

ID = re.compile(r"[a-z][a-z0-9-]+_[0-9]{8}_[0-9]{6}")


def main(output: str) -> None:
    """Warnings may surround the one line of JSON. A backup that was copied twice counts once."""
    line = next((line for line in output.splitlines() if line.startswith("[")), "[]")
    found = {str(backup["id"]): backup for snapshot in json.loads(line) for backup in backups(snapshot)}
    for _, backup in sorted(found.items()):
        sys.stdout.write(json.dumps(backup) + "\n")


def backups(snapshot: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The backup of a snapshot; none where it is not the tool's."""
    tags = snapshot.get("tags")
    words = [str(tag) for tag in tags] if isinstance(tags, list) else []
    for word in words:
        if ID.fullmatch(word):
            yield {"id": word, "problem": "", "manifest": manifest(snapshot, words), "verified": ""} | {
                "snapshot": snapshot.get("id")
            }


def manifest(snapshot: Mapping[str, object], tags: list[str]) -> dict[str, object]:
    """From the tags: restic itself shows sizes only from 0.17 on."""
    values = dict(tag.split("=", 1) for tag in tags if "=" in tag)
    size, release = values.get("size", ""), values.get("release", "")
    time = str(snapshot.get("time"))[:19] + "Z"
    return {"time": time, "bytes": int(size) if size.isdigit() else 0, "release": {"id": release} if release else None}


if __name__ == "__main__":
    main(sys.stdin.read())
