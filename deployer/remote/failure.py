"""The one kind of error that ends a verb."""

import errno

FAILED = 1
GATE_FAILED = 4
ROLLBACK_FAILED = 5
BUSY = 6
"""Exit codes as the commands have them (see `deployer/errors.py`)."""
NOT_UNDERSTOOD = 2
"""What was asked, or the settings, are not of this version of the program."""
INTERRUPTED = 128
"""The exit code of what a signal ended is this and the signal's number."""


OF_THE_DISK = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the quota of the disk is used up: raise it",
    errno.EROFS: "the file system is read-only: see dmesg, and mount it anew",
    errno.EIO: "the disk has an error: see dmesg",
}
"""What the administrator of a host can fix, by errno(3)."""


class Failure(Exception):
    """What could not be done and why, in one line or more, for the person who reads the output."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    @property
    def was_interrupted(self) -> bool:
        """Whether a signal is the reason."""
        return self.exit_code > INTERRUPTED


class NotUnderstood(Failure):
    """What another version of the tool asks; the tool then says how to bring both to one version."""

    def __init__(self, message: str) -> None:
        super().__init__(message, NOT_UNDERSTOOD)


def of_the_disk(error: OSError) -> Failure | None:
    """The failure that an error of a disk is, with what to do; None for any other error."""
    remedy = OF_THE_DISK.get(error.errno or 0)
    return Failure(f"{error.filename or 'a file'} could not be written: {remedy}, then try again") if remedy else None
