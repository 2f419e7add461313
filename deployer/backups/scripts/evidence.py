"""Compare what a drill restored with what was backed up, and append its line of evidence.

Runs on the host, as `python3 -c`, with the standard library alone. Exit 1 with the reason where something differs:

    evidence.py count MANIFEST "PART NAME…"…         a list of files on standard input; prints how many there are
    evidence.py rows WANTED FOUND                    the rows of each table, both as JSON; prints how many
    evidence.py record FILE TIME BACKUP RESULT WHY SECONDS FILES CHECK ROWS WHO
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

Counts = dict[str, tuple[int, int]]
"""For each part its files and their bytes."""

KEYS = ("time", "backup", "result", "why", "seconds", "files", "check", "rows", "who")
SHOWN = 3


class Differs(Exception):
    """What was restored is not what was backed up."""


def count(manifest: str, *parts: str) -> str:
    names = {part: tuple(rest) for part, *rest in map(str.split, parts)}
    wanted = _wanted(json.loads(Path(manifest).read_text(encoding="utf-8")))
    counted = _counted(sys.stdin, names)
    for part, here in counted.items():
        there = wanted.get(part)
        if here != there:
            listed = f"{there[0]} files of {there[1]} bytes" if there else "nothing"
            raise Differs(f"{part}: {here[0]} files of {here[1]} bytes were unpacked, the manifest lists {listed}")
    return str(sum(files for files, _ in counted.values()))


def _wanted(manifest: dict[str, list[dict[str, int | str]]]) -> Counts:
    return {str(part["part"]): (int(part["files"]), int(part["unpacked"])) for part in manifest["parts"]}


def _counted(listed: Iterable[str], names: dict[str, tuple[str, ...]]) -> Counts:
    counted = dict.fromkeys(names, (0, 0))
    for entry in map(json.loads, listed):
        if entry["type"] == "file":
            part = next(part for part, below in names.items() if _is_below(entry["path"], below))
            files, size = counted[part]
            counted[part] = files + 1, size + entry["size"]
    return counted


def _is_below(path: str, names: tuple[str, ...]) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in names)


def rows(wanted: str, found: str) -> str:
    there, here = json.loads(wanted), json.loads(found)
    differing = tuple(_differing(there or {}, here))
    if there is None or differing:
        more = len(differing) - SHOWN
        what = "; ".join(differing[:SHOWN]) + (f"; and {more} more tables" if more > 0 else "")
        raise Differs(f"the restored database differs from the backup: {what or 'the manifest counts no rows'}")
    return f"{sum(here.values())} rows in {len(here)} tables, as many in each as there were"


def _differing(wanted: dict[str, int], found: dict[str, int]) -> Iterator[str]:
    for table in sorted(wanted.keys() | found.keys()):
        if wanted.get(table) != found.get(table):
            here, there = (counts.get(table, "no") for counts in (found, wanted))
            yield f"{table} has {here} rows, and had {there}"


def record(file: str, *values: str) -> str:
    """Append one line; after a line that was cut off it begins a new one."""
    line: dict[str, object] = dict(zip(KEYS, values, strict=True))
    line |= {"seconds": float(values[4]), "files": int(values[5]), "rows": json.loads(values[7])}
    with Path(file).open("ab+") as log:
        log.seek(-min(1, log.seek(0, os.SEEK_END)), os.SEEK_END)
        start = "\n" if log.read(1) not in (b"", b"\n") else ""
        log.write(f"{start}{json.dumps(line)}\n".encode())
        log.flush()
        os.fsync(log.fileno())
    return ""


QUESTIONS: Mapping[str, Callable[..., str]] = {"count": count, "rows": rows, "record": record}


def main(words: Sequence[str]) -> int:
    question, *given = words
    try:
        answer = QUESTIONS[question](*given)
    except Differs as differs:
        sys.stdout.write(f"{differs}\n")
        return 1
    sys.stdout.write(f"{answer}\n" if answer else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
