"""Programs of the host, run by their words and never by a shell; each has a limit of time."""

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, cast

from deployer.remote.failure import Failure

LAST_LINES = 15
BUFFER = 1 << 16
"""Bytes: what a pipe holds."""
PIECE = 65_536
"""Bytes that are read at once from an output that may be long."""
PAUSE = 0.2
"""Seconds."""

OnOutput = Callable[[bytes], None]
"""Is given output as it arrives, and b"" after every PAUSE without any."""


LINE = 1 << 20
"""Bytes after which a line is passed on that has no end."""


class Lines:
    """Passes on output, which arrives in pieces, line by line."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show, self._rest = show, b""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._show(line.decode(errors="replace"))

    def end(self) -> None:
        """Also what has no newline at its end."""
        if self._rest:
            self._show(self._rest.decode(errors="replace"))


class TimedOut(Failure):
    """A program did not end within its limit."""


@dataclass(frozen=True)
class Result:
    """How a program ended, and what it printed on both of its outputs together, unless they were kept apart."""

    exit_code: int
    output: bytes
    error: bytes = b""

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace")

    @property
    def all_text(self) -> str:
        """Both outputs, the error's after the other where they were kept apart."""
        return (self.output + self.error).decode(errors="replace")

    @property
    def last_lines(self) -> str:
        """The end of all that it printed."""
        lines = (self.output + self.error).decode(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])


def run(
    *words: str,
    limit: float,
    stdin: bytes | IO[bytes] = b"",
    environment: Mapping[str, str] | None = None,
    apart: bool = False,
    into: IO[bytes] | None = None,
) -> Result:
    """Run a program to its end. Raises Failure where it does not exist, or does not end within `limit` seconds.

    `into` is a file that takes what it prints, of whatever size; its errors are kept apart then.
    """
    error = subprocess.PIPE if apart or into else subprocess.STDOUT
    source = subprocess.PIPE if isinstance(stdin, bytes) else stdin
    process = _started(words, source, into or subprocess.PIPE, error, environment)
    return _ended(process, words, limit, stdin if isinstance(stdin, bytes) else None)


@contextmanager
def running(
    *words: str,
    limit: float,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    into: int | IO[bytes] = subprocess.PIPE,
    together: bool = False,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that runs while something else is done; it is killed at the end, and after `limit` seconds.

    Its errors are apart from its output, or `together` with it. Raises Failure where it does not exist.
    """
    process = _started(words, stdin, into, subprocess.STDOUT if together else subprocess.PIPE, None)
    timer = threading.Timer(limit, _kill, [process])
    timer.daemon = True
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        _kill(process)
        with suppress(BrokenPipeError):
            process.communicate()


def succeed(*words: str, limit: float, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> Result:
    """The same, for a program that has to exit with 0. Raises Failure with its last lines where it does not."""
    result = run(*words, limit=limit, stdin=stdin, environment=environment, apart=True)
    if not result.succeeded:
        raise Failure(f"{' '.join(words[:3])} failed with exit code {result.exit_code}:\n{result.last_lines}")
    return result


def stream(*words: str, limit: float, on_output: OnOutput) -> Result:
    """Run a program whose output may be long or endless: none of it is kept, and the result has none.

    An exception of `on_output` ends the program, with all that it started, and is raised. Raises Failure as `run` does.
    """
    process = _started(words, subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT, None)
    with process:
        try:
            _pass_on(process, words[0], limit, on_output)
        finally:
            _kill(process)
    return Result(process.returncode, b"")


def _pass_on(process: "subprocess.Popen[bytes]", name: str, limit: float, on_output: OnOutput) -> None:
    """Until the program has closed its output, and ended."""
    deadline, output = time.monotonic() + limit, cast(IO[bytes], process.stdout).fileno()
    while True:
        arrived, _, _ = select.select([output], [], [], PAUSE)
        data = os.read(output, PIECE) if arrived else b""
        if arrived and not data:
            break
        on_output(data)
        if time.monotonic() >= deadline:
            raise TimedOut(f"{name} did not end within {limit:.0f} s")
    try:
        process.wait(max(PAUSE, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as cause:
        raise TimedOut(f"{name} did not end within {limit:.0f} s") from cause


def _started(
    words: Sequence[str],
    stdin: int | IO[bytes],
    output: int | IO[bytes],
    error: int,
    environment: Mapping[str, str] | None,
) -> "subprocess.Popen[bytes]":
    environ = {**os.environ, **(environment or {})}
    try:
        return subprocess.Popen(
            words, BUFFER, stdin=stdin, stdout=output, stderr=error, env=environ, start_new_session=True
        )
    except OSError as cause:
        raise Failure(f"{words[0]} cannot be run: {cause.strerror}") from cause


def _ended(process: "subprocess.Popen[bytes]", words: Sequence[str], limit: float, stdin: bytes | None) -> Result:
    with process:
        try:
            output, error = process.communicate(stdin, timeout=limit)
        except subprocess.TimeoutExpired as cause:
            raise TimedOut(f"{words[0]} did not end within {limit:.0f} s") from cause
        finally:
            _kill(process)
    return Result(process.returncode, output or b"", error or b"")


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it with all that it started, unless it has ended: on its limit, on a signal, on any error."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
