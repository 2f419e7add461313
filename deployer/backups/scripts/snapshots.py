"""The copies in a restic repository, told as shelf.py tells of backups: one line of JSON for each, oldest first.

Runs on the host, as `python3 -c`, with nothing but Python's own library; reads what `restic snapshots --json` says.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping

ID = re.compile(r"[a-z][a-z0-9-]+_[0-9]{8}_[0-9]{6}")


def main(said: str) -> None:
    """Warnings may stand around the one line of JSON. What was copied twice counts once."""
    line = next((line for line in said.splitlines() if line.startswith("[")), "[]")
    told = {str(copy["id"]): copy for snapshot in json.loads(line) for copy in copies(snapshot)}
    for _, copy in sorted(told.items()):
        sys.stdout.write(json.dumps(copy) + "\n")


def copies(snapshot: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """One, or none where it is not the tool's."""
    tags = snapshot.get("tags")
    words = [str(tag) for tag in tags] if isinstance(tags, list) else []
    for word in words:
        if ID.fullmatch(word):
            yield {"id": word, "missing": "", "manifest": manifest(snapshot, words), "verified": ""} | {
                "snapshot": snapshot.get("id")
            }


def manifest(snapshot: Mapping[str, object], tags: list[str]) -> dict[str, object]:
    """What the tags say of it; restic itself tells sizes from 0.17 on only."""
    values = dict(tag.split("=", 1) for tag in tags if "=" in tag)
    size, release = values.get("size", ""), values.get("release", "")
    time = str(snapshot.get("time"))[:19] + "Z"
    return {"time": time, "bytes": int(size) if size.isdigit() else 0, "release": {"id": release} if release else None}


if __name__ == "__main__":
    main(sys.stdin.read())
