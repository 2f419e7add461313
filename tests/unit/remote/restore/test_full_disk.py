"""The disk gets full at any file that a restore writes: one of the two states is in place, complete, and serves."""

import pytest

from deployer.remote.failure import Failure
from deployer.remote.restore import recover
from tests.unit.remote.full_disk import MANNERS, failed_on

from .conftest import OLD, Restoring
from .test_restore import BEFORE

FILES = range(26)
"""More than a restore writes."""


def data(restoring: Restoring) -> dict[str, str]:
    return {name: text for name, text in restoring.files.items() if name != ".env"}


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("files", FILES)
def test_restore(files: int, manner: str, restoring: Restoring, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be undone while it is full is undone by the next run, and a further restore succeeds."""

    def act() -> None:
        restoring.unpack()
        try:
            restoring.swap()
        except Failure:
            restoring.recover()
            raise
        recover.end(restoring.host)

    failure = failed_on(restoring.root, files, act, manner)
    assert data(restoring) in (OLD, BEFORE) or restoring.journal.may_be_in_use
    if failure:
        recover.finish_interrupted(restoring.host)
    assert data(restoring) in (OLD, BEFORE)
    assert restoring.left == []
    serving = restoring.deployed.site.running("backend-api")
    assert serving == restoring.deployed.serves()[:1]
    restoring.unpack()
    restoring.swap()
    recover.end(restoring.host)
    assert data(restoring) == OLD
