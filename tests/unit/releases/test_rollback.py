"""10.1 Rollback."""

import pytest

from deployer.engine.changes import OutsideCheck, Script, Stop
from deployer.releases.rollback import Rollback, kept
from tests.support.fakes import inventory, planned, script_of, whys
from tests.unit.steps.hosts import Answers, recorded
from tests.unit.steps.hosts import kept as kept_lines

HOST = inventory()
FORMER, NOW = "20260101_000000-0123456", "20260202_000000-fedcba9"


def two(former: str = "deployed") -> Answers:
    """Two releases, both kept; the second one serves."""
    log = recorded(HOST, former, id=FORMER) + recorded(HOST, id=NOW, commit="f" * 40)
    return {"log": log, "kept": kept_lines(HOST, FORMER, NOW), "env": ""}


def test_road() -> None:
    """The road of every release, without a build: put back, roll, look, stop what served, record."""
    changes = planned(Rollback(FORMER), HOST, two())
    assert [type(change) for change in changes] == [Script, Script, OutsideCheck, Script, Script]
    restored, rolled, _, finished, told = (change if isinstance(change, Script) else None for change in changes)
    assert restored and rolled and finished and told
    assert restored.script.endswith(f"release restore {FORMER}")
    assert restored.undo.endswith(f"release restore {NOW}")
    assert " release roll '{" in rolled.script
    assert rolled.script.endswith(" backend-api demo-wallet")
    assert " release finish '{" in finished.script
    assert " release record-restored '{" in told.script
    assert told.script.endswith(f" {FORMER}")
    assert "docker buildx build" not in "".join(script_of(change) for change in changes if isinstance(change, Script))


def test_services_are_those_of_that_release() -> None:
    """A port or a number of replicas that has changed since is what it was then."""
    lines = kept_lines(HOST, FORMER, NOW).replace(
        f"{FORMER} backend-api backend 8000 1", f"{FORMER} backend-api backend 7000 3"
    )
    rolled = planned(Rollback(FORMER), HOST, {**two(), "kept": lines})[1]
    assert "backend-api backend 7000 3 yes" in script_of(rolled)


def test_it_serves_already() -> None:
    """Nothing is done."""
    assert whys(planned(Rollback(NOW), HOST, two())) == []


@pytest.mark.parametrize("answers", [{"kept": kept_lines(HOST, NOW)}, {"log": recorded(HOST, id=NOW)}, {"log": ""}])
def test_not_kept_any_more(answers: Answers) -> None:
    """It is told who lists those that are."""
    with pytest.raises(Stop, match=f"{FORMER} is no longer kept"):
        planned(Rollback(FORMER), HOST, {**two(), **answers})


def test_failed_never_comes_back() -> None:
    """What never served is no place to go."""
    with pytest.raises(Stop):
        planned(Rollback(FORMER), HOST, two("failed"))


def test_kept() -> None:
    """The services of each release, by its id."""
    assert kept("a x 1\na y 2\nb x 3\n") == {"a": "x 1\ny 2", "b": "x 3"}
    assert kept("") == {}
