"""Compare two lists of files (tree.py), and print what each path needs to become as in the wanted one.

Runs on the host, as `python3 -c`: `differences.py PRESENT WANTED`. A line of JSON for each difference.
"""

import json
import sys
from pathlib import Path


def main(present: Path, wanted: Path) -> None:
    before, after = _read(present), _read(wanted)
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            what = "appears" if path not in before else "disappears" if path not in after else "changes"
            sys.stdout.write(json.dumps({"what": what, "path": path}) + "\n")


def _read(file: Path) -> dict[str, str]:
    with file.open() as lines:
        return {json.loads(line)["path"]: line for line in lines}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
