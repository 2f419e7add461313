"""A step that fails: what became of each of its changes, and the cause that the host gave."""

import pytest

from deployer.engine.changes import Change, Script
from deployer.engine.job_output import JobOutput
from deployer.engine.progress import states_of
from deployer.errors import DeployerError
from tests.support.fakes import Bed

from .play import Play, always, needs_root

ONE, TWO, THREE = (Script(name, "true", undo="true" if name == "one" else "") for name in ("one", "two", "three"))


@pytest.mark.parametrize(
    ("begun", "undone", "states"),
    [
        (0, True, ("not run", "not run", "not run")),
        (1, True, ("failed", "not run", "not run")),
        (2, True, ("undone", "failed", "not run")),
        (3, True, ("undone", "done", "failed")),
        (3, False, ("done", "done", "failed")),
    ],
)
def test_states(begun: int, undone: bool, states: tuple[str, ...]) -> None:
    """Undone is only what can be, and only where undoing succeeded."""
    assert states_of((ONE, TWO, THREE), begun, undone=undone) == states


@needs_root
def test_a_step_that_fails(here: Bed) -> None:
    """Its report has the state of each change; the error leads with the cause."""
    broken = "printf '\\036cause the disk is full\\n\\036cause another\\n'; exit 1"
    play = Play(here, always(ONE, Script("write it", broken), THREE))
    error = play.fails_with(DeployerError)
    assert error.what == "write it: the disk is full"
    assert [change.state for change in play.report.steps[-1].changes] == ["undone", "failed", "not run"]


def test_the_first_cause_counts() -> None:
    """What fails while it is undone is not why it failed; a mark of a container is not one."""
    begun: list[Change] = []
    output = JobOutput(lambda: None, lambda number: begun.append(ONE), lambda line: None)
    output(b"ready\n\x1ecause app-5 answers 503\nx \x1ecause no\n\x1ecause second\n\x1efailed 1 1\n\x1eexit 1\n")
    assert output.result
    assert output.result.cause == "app-5 answers 503"
