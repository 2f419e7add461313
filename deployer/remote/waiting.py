"""The one way to wait: always with a limit."""

import time
from collections.abc import Callable

PAUSE = 0.2


def await_true(condition: Callable[[], object], seconds: float, pause: float = PAUSE) -> bool:
    """Ask until the condition holds, for at most so many seconds; whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True
