"""How a script begins, where the order of the events decides: a process of which each event is set by hand."""

import time

import pytest

from deployer.transport.execution import Execution, NotStarted
from deployer.transport.process import Meter


class Refusing:
    """Implements `process.Process`: sudo has refused and gone before anything was sent to it."""

    def __init__(self) -> None:
        self.said = b"sudo: a password is required\n"

    def read(self) -> bytes:
        return b""

    def read_error(self) -> bytes:
        said, self.said = self.said, b""
        return said

    def write(self, data: bytes) -> int:
        raise BrokenPipeError(f"{len(data)} bytes that nobody reads")

    def end_input(self) -> None: ...

    def has_ended(self) -> bool:
        return True

    def wait(self, seconds: float) -> int:
        return 1

    def abandon(self) -> None: ...


def test_refused_before_the_script_was_sent() -> None:
    """The refusal is reported, not that the script was not read."""
    with pytest.raises(NotStarted, match="a password is required") as refusal:
        Execution(Refusing(), Meter()).begin(b"the script", time.monotonic() + 10)
    assert refusal.value.exit_code == 1
