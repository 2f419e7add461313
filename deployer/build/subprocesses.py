"""Commands on the operator's machine, with a limit; they end when the run does."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Timer

from deployer.errors import Context, DeployerError

Say = Callable[[str], None]

KEPT = 40
"""Lines of a command's output that a message about its failure shows."""


def run(
    words: Sequence[str], what: str, *, limit: float, say: Say, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Run to its end and give what it said last; each line is told as it comes. Raises DeployerError.

    Both outputs are one, and nothing can be typed: a question (for a password, say) would wait for ever. In a session
    of its own, so that Ctrl-C reaches us first.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environ or {})},
        start_new_session=True,
    )
    alarm = Timer(limit, _end, [process])
    alarm.start()
    try:
        said = _told(process, say)
        code = process.wait()
    finally:
        alarm.cancel()
        _end(process)
        if process.stdout:
            process.stdout.close()
    if code != 0:
        output = "\n".join(said)
        raise DeployerError(f"{what}: failed on this machine", context=Context(output=output, exit_code=code))
    return said


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started: bash alone would leave docker building."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _told(process: "subprocess.Popen[bytes]", say: Say) -> tuple[str, ...]:
    kept: tuple[str, ...] = ()
    for line in process.stdout or ():
        text = line.decode(errors="replace").rstrip("\n")
        kept = (*kept[1 - KEPT :], text)
        say(text)
    return kept
