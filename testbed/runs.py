"""What the processes of one test run share: the first that needs a snapshot makes it, the last one clears away.

Each process holds a lock for as long as it lives. A run whose lock nobody holds any more was ended or killed: what
it left is removed by whoever comes or goes next.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import origin, snapshot
from testbed.places import CHECKOUT_ID, cache_directory, exclusive
from testbed.shell import BedError, say

TRIES = 2
_LAST_CHARACTERS = 3000


@dataclass(frozen=True)
class Run:
    """One test run, by a name that its processes have in common and no other run has."""

    name: str

    @property
    def directory(self) -> Path:
        """Files of this run, removed with it."""
        return _home() / self.name

    def once(self, kind: str, make: Callable[[str], None]) -> str:
        """The tag of a snapshot that `make` makes under it, wherever in the run it is asked for first.

        Where that fails it is tried once more. After that no process tries again: each raises BedError with the reason.
        """
        tag = f"{kind}-{self.name}"
        failed = self.directory / f"{kind}.failed"
        with self.alone(kind):
            if failed.exists():
                raise BedError(failed.read_text())
            if not snapshot.exists(tag):
                _make(tag, make, failed)
        return tag

    @contextmanager
    def alone(self, kind: str) -> Iterator[None]:
        """Only one process of the run at a time does what stands inside."""
        with exclusive(f"{self.directory.relative_to(cache_directory())}/{kind}"):
            yield


@contextmanager
def joined(name: str) -> Iterator[Run]:
    """Be one of the processes of this run; the last one to leave removes its snapshots and repositories."""
    run = Run(name)
    with _order():
        run.directory.mkdir(exist_ok=True)
        lock = (_home() / f"{name}.lives").open("w")
        fcntl.flock(lock, fcntl.LOCK_SH)
        _clear_away()
    try:
        yield run
    finally:
        with _order():
            lock.close()
            _clear_away()


def _clear_away() -> None:
    """Remove what runs left of which no process lives."""
    for file in sorted(_home().glob("*.lives")):
        with file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(file.stem)
            file.unlink()


def _remove(name: str) -> None:
    for tag in snapshot.known():
        if tag.endswith(f"-{name}"):
            snapshot.forget(tag)
    origin.withdraw(f"-{name}")
    shutil.rmtree(_home() / name, ignore_errors=True)


def _make(tag: str, make: Callable[[str], None], failed: Path) -> None:
    for number in range(1, TRIES + 1):
        try:
            make(tag)
            return
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[-_LAST_CHARACTERS:]
            say(f"{tag} could not be made (try {number} of {TRIES}): {why}")
            snapshot.forget(tag)
    failed.write_text(f"{tag} could not be made in {TRIES} tries, so no test that starts from it is run: {why}")
    raise BedError(failed.read_text())


def _home() -> Path:
    return cache_directory() / f"runs-{CHECKOUT_ID}"


@contextmanager
def _order() -> Iterator[None]:
    """Coming, going and clearing away happen one after the other."""
    _home().mkdir(exist_ok=True)
    with exclusive(f"runs-{CHECKOUT_ID}"):
        yield
