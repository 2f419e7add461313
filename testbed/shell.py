"""Running commands of this machine with a time limit, and saying on stderr what takes long."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Completed = subprocess.CompletedProcess[str]
Value = TypeVar("Value")
_STARTED = time.monotonic()
_LAST_LINES = 15


class BedError(Exception):
    """Something of the test bed did not work; the text says what and shows the end of its output."""


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    stdin: bytes | None = None,
    seconds: float = 60,
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
) -> Completed:
    """Given a command, run it for at most so many seconds; raise BedError if it fails and `check` is set."""
    try:
        done = subprocess.run(
            list(argv),
            input=stdin or b"",
            capture_output=True,
            timeout=seconds,
            env=environment,
            cwd=directory,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise BedError(f"{_shorten(argv)} did not end within {seconds:.0f} s") from late
    except FileNotFoundError as missing:
        raise BedError(f"{argv[0]} is not installed on this machine") from missing
    completed = Completed(list(argv), done.returncode, _text(done.stdout), _text(done.stderr))
    if check and completed.returncode:
        raise BedError(f"{_shorten(argv)} failed with {completed.returncode}:\n{last_lines(completed)}")
    return completed


def last_lines(completed: Completed) -> str:
    """The end of what a command printed, for messages."""
    return "\n".join((completed.stdout + completed.stderr).splitlines()[-_LAST_LINES:])


def docker(*arguments: str, check: bool = True, stdin: bytes | None = None, seconds: float = 60) -> Completed:
    """Run one command of the machine's own Docker engine."""
    return run(("docker", *arguments), check=check, stdin=stdin, seconds=seconds)


def say(text: str) -> None:
    """One line of progress on stderr, with the seconds since the start."""
    print(f"[bed {time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Announce what is done, and afterwards how long it took."""
    say(f"{text} ...")
    started = time.monotonic()
    yield
    say(f"{text}: {time.monotonic() - started:.1f} s")


def wait_for(probe: Callable[[], Value | None], what: str, *, seconds: float, interval: float = 0.05) -> Value:
    """Ask `probe` until it gives something, at most so many seconds; raise BedError naming `what`
    otherwise.
    """
    deadline = time.monotonic() + seconds
    while True:
        if (value := probe()) is not None:
            return value
        if time.monotonic() > deadline:
            raise BedError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(interval)


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")


def _shorten(argv: Sequence[str]) -> str:
    line = " ".join(argv)
    return line if len(line) < 200 else f"{line[:200]} ..."
