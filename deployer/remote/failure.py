"""The one kind of error that ends a verb."""

FAILED = 1
GATE_FAILED = 4
ROLLBACK_FAILED = 5
BUSY = 6
"""Exit codes as the commands have them (see `deployer/errors.py`)."""


class Failure(Exception):
    """What could not be done and why, in one line or more, for the person who reads the output."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
