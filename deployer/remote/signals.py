"""What a signal does: a verb ends in order, as by an error; what must not be interrupted ignores it.

systemd and timeout(1) may signal every process of a job, some twice: so what must not be interrupted ignores signals in
the programs that it starts, too. They inherit that.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deployer.remote.failure import INTERRUPTED, Failure

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def end_on_signals() -> None:
    """From here on a signal raises a Failure, so that whatever was begun is undone."""
    for number in ENDING:
        signal.signal(number, _end)


@contextmanager
def ignored() -> Iterator[None]:
    """Ignore signals, in children too: for clean-up, and for what may not stop half-way."""
    former = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise Failure(f"ended by {signal.Signals(number).name}", exit_code=INTERRUPTED + number)
