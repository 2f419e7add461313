"""Commands on the operator's machine, with a limit; they end when the run does."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Timer

from deployer.errors import Context, DeployerError

Show = Callable[[str], None]

KEPT = 40
"""The number of output lines that an error about a failed command contains."""


def run(
    words: Sequence[str], what: str, *, limit: float, show: Show, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Run to its end and return the last lines it printed; each line is shown as it comes. Raises DeployerError.

    Both outputs are merged, and there is no input: a prompt (for a password, say) would wait for ever. It has a session
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
        printed = _show_lines(process, show)
        code = process.wait()
    finally:
        alarm.cancel()
        _end(process)
        if process.stdout:
            process.stdout.close()
    if code != 0:
        output = "\n".join(printed)
        raise DeployerError(f"{what}: failed on this machine", context=Context(output=output, exit_code=code))
    return printed


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started: ending git alone would leave ssh waiting."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _show_lines(process: "subprocess.Popen[bytes]", show: Show) -> tuple[str, ...]:
    kept: tuple[str, ...] = ()
    for line in process.stdout or ():
        text = line.decode(errors="replace").rstrip("\n")
        kept = (*kept[1 - KEPT :], text)
        show(text)
    return kept
