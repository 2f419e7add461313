"""What a verb prints: lines for a person, each at once; under cron with the time in front, for a log."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone

from deployer.remote.failure import Failure
from deployer.remote.masked import masked

MARK = "\x1e"
"""In front of what is meant for the run that started the verb; nothing else that is printed has it."""
_with_times = [False]
_hidden: list[Sequence[bytes]] = [()]


def say(text: str) -> None:
    """Print a text, line by line; what is no text is shown as such.

    Nothing that is done depends on it: a log on a full disk, or a reader that is gone, does not end the program.
    """
    for line in _shown(text).rstrip("\n").split("\n"):
        _write(f"{now()} {line}\n" if _with_times[-1] else f"{line}\n")


def _write(line: str) -> None:
    with suppress(OSError):
        sys.stdout.write(line)
        sys.stdout.flush()


def _shown(text: str) -> str:
    """Without secrets, and without what only this program may print."""
    return _masked(text).replace(MARK, "")


def _masked(text: str) -> str:
    if not _hidden[-1]:
        return text
    return masked(text.encode(errors="surrogateescape"), _hidden[-1]).decode(errors="replace")


def pass_on(data: bytes) -> None:
    """Print what another process of this program has printed, as it is."""
    with suppress(OSError):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


def part(name: str, seconds: float) -> None:
    """Report how long a part of the work took, to the run that started it (see engine/job_output.py)."""
    _write(f"{MARK}part {name} {seconds:.2f}\n")


def cause(text: str) -> None:
    """Print why the work failed; its first line is reported apart to the run that started it, which leads with it."""
    say(text)
    if not _with_times[-1]:
        first, _, _ = _shown(text).partition("\n")
        _write(f"{MARK}cause {first}\n")


@contextmanager
def with_times() -> Iterator[None]:
    """Every line gets the time at which it is printed."""
    _with_times.append(True)
    try:
        yield
    finally:
        _with_times.pop()


@contextmanager
def hiding(secrets: Sequence[bytes]) -> Iterator[None]:
    """Mask these secrets, of which longer ones come first, in every text; also in that of a failure that is raised."""
    _hidden.append(secrets)
    try:
        yield
    except Failure as failure:
        failure.args = (_masked(str(failure)),)
        raise
    finally:
        _hidden.pop()


def now() -> str:
    """The time as logs and records have it: 2025-10-12T03:15:00Z."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
