"""The traffic as a test has it: beside what stands inside the context, and its counts after it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from pydantic import TypeAdapter

from tests.support.traffic.counts import Counts

DOMAIN = "wallet.example.test"
BOUNDED = 60.0
"""Requests of the quick clients a second: each asks several times a second, and the host has time to work."""
UNBOUNDED = 0.0
"""A closed loop: as many as the machine can do, which leaves nothing of it to what is done meanwhile."""
END_SECONDS = 60
"""What is in flight at the end is awaited: at most 30 s."""


class Running:
    """Traffic that goes on; when its context has ended `counts` has what became of it."""

    def __init__(self) -> None:
        self._counts: Counts | None = None

    @property
    def counts(self) -> Counts:
        assert self._counts is not None, "the traffic has not ended: its counts come after the context"
        return self._counts

    def ended(self, counts: Counts) -> None:
        self._counts = counts


@contextmanager
def traffic(
    address: str,
    certificates: Path,
    directory: Path,
    *,
    site: str = DOMAIN,
    api: str = f"api.{DOMAIN}",
    most: int = 0,
    rate: float = BOUNDED,
    seconds: float = 900.0,
) -> Iterator[Running]:
    """Everything that stands inside happens under traffic, from the first answer to every client until its end.

    The keys of its POSTs are left in the directory. It fails when the traffic did not last as long as the context.
    """
    bounds = ("--most", str(most), "--rate", str(rate), "--seconds", str(seconds))
    names = ("--site", site, "--api", api, "--keys", str(directory / "keys"))
    words = (sys.executable, "-m", "tests.support.traffic", address, str(certificates), *names, *bounds)
    running = Running()
    with (
        TemporaryFile("w+") as said,
        # A session of its own: Ctrl-C is the test's, and ends the traffic through its input.
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        ) as process,
    ):
        _await_start(process, said)
        try:
            yield running
        finally:
            counts = _end(process, said)
            running.ended(counts)
    assert not counts.timed_out, f"the traffic left before its context ended\n{counts.summary()}"


def _await_start(process: "subprocess.Popen[str]", said: IO[str]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "started\n", f"the traffic did not start: {line}{_told(said)}"


def _end(process: "subprocess.Popen[str]", said: IO[str]) -> Counts:
    """Tell it to end, and read what it counted."""
    try:
        out, _ = process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"the traffic did not end within {END_SECONDS} s\n{_told(said)}") from None
    assert process.returncode == 0, f"the traffic ended with {process.returncode}\n{_told(said)}"
    return TypeAdapter(Counts).validate_json(out)


def _told(said: IO[str]) -> str:
    said.seek(0)
    return said.read()[-4000:]
