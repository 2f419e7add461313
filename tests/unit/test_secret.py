"""A secret does not show itself by accident."""

import copy
import json
import pickle

import pytest

from deployer.engine.changes import Script
from deployer.secret import Secret

SECRET = Secret("hunter2")


@pytest.mark.parametrize(
    "shown",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>20}",
        f"{SECRET:>20}",
        f"{[SECRET]}",
        "".join(map(str, [SECRET])),
    ],
)
def test_is_not_shown(shown: str) -> None:
    """Printing, formatting and the repr of what holds it say [secret]."""
    assert "hunter2" not in shown
    assert "[secret]" in shown


def test_change_that_carries_one() -> None:
    """The repr of a change, as it stands in a traceback, does not hold it."""
    assert "hunter2" not in repr(Script("write", "true", payload=SECRET))


@pytest.mark.parametrize("leak", [pickle.dumps, json.dumps, copy.deepcopy])
def test_is_not_serialised(leak: object) -> None:
    """What would write it out fails."""
    assert callable(leak)
    with pytest.raises(TypeError):
        leak(SECRET)


def test_reveal_and_compare() -> None:
    """Only `reveal` gives it back; equal secrets are equal, and no text is."""
    assert SECRET.reveal() == "hunter2"
    assert Secret("hunter2") == SECRET
    assert hash(Secret("hunter2")) == hash(SECRET)
    assert SECRET != "hunter2"
