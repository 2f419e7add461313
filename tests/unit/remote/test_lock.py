"""The lock of the host for what cron starts: taken, awaited, inherited, recorded."""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.remote import lock
from deployer.remote.acting import act
from deployer.remote.config import Config
from deployer.remote.failure import BUSY, ROLLBACK_FAILED, Failure
from deployer.remote.lock import as_cron
from deployer.remote.verbs import RECOVER
from tests.unit.remote.conftest import config


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the locks are, instead of /run/deployer; descriptor 9 belongs to the process that tests."""
    monkeypatch.setattr(lock, "DESCRIPTOR", 250)
    monkeypatch.setattr(lock, "DIRECTORY", tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def settings(tmp_path: Path, places: Path) -> Config:
    made = config(tmp_path / "root")
    made.state.mkdir(parents=True)
    return made


@pytest.fixture
def taken(places: Path, settings: Config) -> Iterator[int]:
    """The lock, held by another process's open file, which says who it is."""
    places.mkdir(mode=0o700)
    file = os.open(places / f"{settings.name}.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    (places / f"{settings.name}.lock.holder").write_text('1 1\n{"who": "ada@here"}\n')
    yield file
    os.close(file)


def is_free(places: Path, settings: Config) -> bool:
    with (places / f"{settings.name}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_held_as_long_as_it_works(places: Path, settings: Config, capsys: pytest.CaptureFixture[str]) -> None:
    """Its owner is recorded; the directory is root's alone; afterwards the lock is free."""
    with as_cron(settings, "renew"):
        assert not is_free(places, settings)
        assert places.stat().st_mode & 0o777 == 0o700
        process, owner, kind = (places / f"{settings.name}.lock.holder").read_text().splitlines()
        assert process.split()[0] == str(os.getpid())
        assert (json.loads(owner)["command"], kind) == ("renew", "here")
    assert is_free(places, settings)
    assert capsys.readouterr().out == ""


def test_another_run(
    settings: Config, taken: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is reported with the lock's owner, then it ends with exit code 6."""
    monkeypatch.setattr(lock, "SECONDS", 0.0)
    skipped = "another run holds the lock: renew was skipped"
    with pytest.raises(Failure, match=skipped) as failure, as_cron(settings, "renew"):
        raise AssertionError("it went on without the lock")
    assert failure.value.exit_code == BUSY
    assert 'held by {"who": "ada@here"}' in capsys.readouterr().out


def test_given_in_time(settings: Config, taken: int) -> None:
    """What was waited for is done when the other run ends."""
    release = threading.Timer(0.3, fcntl.flock, (taken, fcntl.LOCK_UN))
    release.start()
    with as_cron(settings, "renew"):
        pass
    release.join()


def test_a_job_has_it(settings: Config, taken: int) -> None:
    """A verb that a run of the operator starts has the lock on descriptor 9: it does not wait for itself."""
    os.dup2(taken, lock.DESCRIPTOR, inheritable=True)
    try:
        with as_cron(settings, "renew"):
            pass
    finally:
        os.close(lock.DESCRIPTOR)


def test_an_interrupted_restore(settings: Config, capsys: pytest.CaptureFixture[str]) -> None:
    """It is recovered from first; where that fails nothing is done. One that was not begun is removed."""
    journal = settings.state / "restoring"
    journal.mkdir()
    with as_cron(settings, "renew"):
        assert not journal.exists()
    journal.mkdir()
    (journal / "program").write_text('echo "recovering: $1"; exit 3\n')
    with pytest.raises(Failure, match="could not be recovered from") as failure, as_cron(settings, "renew"):
        raise AssertionError("it went on after a failed recovery")
    assert failure.value.exit_code == ROLLBACK_FAILED
    assert "recovering: mend" in capsys.readouterr().out


def test_at_boot(places: Path, settings: Config) -> None:
    """Without an interrupted restore the lock is left to others; with one it is taken, and its owner leaves no name."""
    act(settings, RECOVER, (), from_cron=True)
    assert not places.exists()
    (settings.state / "restoring").mkdir()
    act(settings, RECOVER, (), from_cron=True)
    assert [path.name for path in places.iterdir()] == [f"{settings.name}.lock"]
    assert not (settings.state / "restoring").exists()
