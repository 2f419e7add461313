"""The roll-out of a release as changes, which `provision`, `update` and `rollback` share."""

from collections.abc import Iterator

from deployer.engine.changes import Change, OutsideCheck, Script
from deployer.text.shell import lines

FINISHING = 900
"""Seconds for what containers that end have in flight (`releases.drain`, at most 600), and their stop."""


def look_and_finish(functions: str) -> Iterator[Change]:
    """The end of every road on which something served before: seen from outside, or back; then the old ones go."""
    back = lines(functions, "go_back 'the site was worse than before, seen from outside'")
    why = "look at the site from outside, and go back where it is worse than before"
    yield OutsideCheck(why, back, within=FINISHING)
    why = "stop what served before, when its last request is answered"
    yield Script(why, lines(functions, "finish"), within=FINISHING)
