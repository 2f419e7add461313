"""Opening files below directories in which others can write: no link is followed, and nothing is waited for."""

import errno
import os
import stat
from pathlib import Path

from deployer.remote.failure import Failure

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
REGULAR = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_file(base: Path, *names: str) -> int:
    """Open a regular file for reading: `base` is the administrator's and may be a link, what is below it may not.

    Raises FileNotFoundError where there is none, Failure where a name is something else, such as a link.
    """
    path = base.joinpath(*names)
    try:
        handle = _open_below(base, names)
    except FileNotFoundError:
        raise
    except OSError as error:
        why = "a link, or not a directory" if error.errno in (errno.ELOOP, errno.ENOTDIR) else error.strerror
        raise Failure(f"{path} is not opened: {error.filename} is {why}") from error
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise Failure(f"{path} is not a regular file, so it is not opened")


def _open_below(base: Path, names: tuple[str, ...]) -> int:
    *directories, last = names
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in directories:
            inner = os.open(name, DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        return os.open(last, REGULAR, dir_fd=handle)
    finally:
        os.close(handle)
