"""What the processes of one run of the host tests share: made once, tried twice, cleared away when nobody is left."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed import origin, places, runs, snapshot
from testbed.shell import BedError


class Shelf:
    """Snapshots by their tags, without an engine."""

    def __init__(self) -> None:
        self.tags: set[str] = set()

    def known(self) -> list[str]:
        return sorted(self.tags)


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("DEPLOYER_TESTBED_CACHE", str(tmp_path))
    made = Shelf()
    monkeypatch.setattr(snapshot, "known", made.known)
    monkeypatch.setattr(snapshot, "exists", lambda tag: tag in made.tags)
    monkeypatch.setattr(snapshot, "forget", made.tags.discard)
    return made


def failing(times: int, shelf: Shelf, tries: list[str]) -> Callable[[str], None]:
    """Makes a snapshot after so many failures; each try is noted."""

    def make(tag: str) -> None:
        tries.append(tag)
        assert len(tries) > times, "no space left"
        shelf.tags.add(tag)

    return make


def test_made_once(shelf: Shelf) -> None:
    """Who asks later gets what the first one made."""
    tries: list[str] = []
    with runs.joined("one") as run:
        assert [run.once("golden", failing(0, shelf, tries)) for _ in range(3)] == ["golden-one"] * 3
    assert tries == ["golden-one"]


def test_a_failure_is_tried_once_more(shelf: Shelf) -> None:
    """One failure passes unnoticed."""
    tries: list[str] = []
    with runs.joined("one") as run:
        run.once("golden", failing(1, shelf, tries))
    assert len(tries) == 2


def test_after_two_failures_nobody_tries(shelf: Shelf) -> None:
    """Every process of the run is told why, at once; another run tries anew."""
    tries: list[str] = []
    make = failing(2, shelf, tries)
    with runs.joined("one") as run, runs.joined("one") as other_process:
        for each in (run, run, other_process):
            with pytest.raises(BedError, match=r"golden-one could not be made in 2 tries.*no space left"):
                each.once("golden", make)
    assert len(tries) == 2
    with runs.joined("two") as run:
        assert run.once("golden", make) == "golden-two"


def test_the_last_one_clears_away(shelf: Shelf) -> None:
    """As long as one process lives its snapshots stay; other runs' are left alone; then files go too."""
    with runs.joined("other") as other:
        other.once("golden", failing(0, shelf, []))
        with runs.joined("one"):
            with runs.joined("one") as run:
                run.once("golden", failing(0, shelf, []))
            assert shelf.tags == {"golden-one", "golden-other"}
        assert shelf.tags == {"golden-other"}
        assert not run.directory.exists()


def killed(shelf: Shelf) -> None:
    """A process that has no time to clear away."""
    context = runs.joined("dead")
    run = context.__enter__()
    run.once("golden", failing(0, shelf, []))
    (places.cache_directory() / f"origin-{places.CHECKOUT_ID}" / "application-dead.git").mkdir(parents=True)
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_run_left_is_cleared_away_by_the_next(shelf: Shelf) -> None:
    """Its snapshots and repositories, when another run begins."""
    process = multiprocessing.get_context("fork").Process(target=killed, args=(shelf,))
    process.start()
    process.join(30)
    assert process.exitcode == -9
    shelf.tags.add("golden-dead")  # made in the other process
    assert list(origin._home().iterdir())
    with runs.joined("next"):
        assert shelf.tags == set()
        assert list(origin._home().iterdir()) == []
