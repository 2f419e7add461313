"""How long a test of a file takes: durations.json, by the path of the file below tests/host.

`python -m tests.host.ordering REPORT.xml` renews it.
"""

import json
from pathlib import Path

TESTS = Path(__file__).parents[1] / "host"
TABLE = TESTS / "durations.json"


def known_seconds() -> dict[str, float]:
    """The mean seconds of a test, by file."""
    found: dict[str, float] = json.loads(TABLE.read_text())
    return found


def below_hosts(file: Path) -> str:
    """The name of a file in the table; its whole path where it lies elsewhere."""
    return file.relative_to(TESTS).as_posix() if TESTS in file.parents else file.as_posix()
