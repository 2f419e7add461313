"""Named moments at which a test can stop the program, and see what a crash there leaves. Inert in production.

A test sets DEPLOYER_STOP to a directory that has a file `at` with the name of the point. The program, when it comes
there, renames that file to `reached`, and waits until it is removed. It does that once.
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
    place = at.rename(at.with_name("reached"))
    await_true(lambda: not place.exists(), LIMIT)
