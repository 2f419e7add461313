"""Named moments at which a test can stop the program, and see what a crash there leaves. Inert in production.

A test sets DEPLOYER_STOP to a directory that has a file `at` with the name of the point. The program then makes the
file `reached` there, and waits until the file `go` exists.
"""

import os
from pathlib import Path

from deployer.remote.waiting import await_true

VARIABLE = "DEPLOYER_STOP"
LIMIT = 600.0


def reached(point: str) -> None:
    """The program has come to this point."""
    directory = os.environ.get(VARIABLE)
    if not directory or not (at := Path(directory) / "at").exists() or at.read_text().strip() != point:
        return
    (at.parent / "reached").touch()
    await_true((at.parent / "go").exists, LIMIT)
