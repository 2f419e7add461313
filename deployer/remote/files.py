"""Writing files so that a reader, a crash or a full disk finds the former content or the new one, nothing between."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deployer.remote.failure import Failure

STAGED = ".deployer-new"


def write(path: Path, content: bytes, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Write a staged file, flush it, verify it, rename it. Raises Failure where it cannot; the former one stays."""
    replace({path: content}, {path: mode}, owner)


def link(source: Path, path: Path) -> None:
    """Put a file in place as a further name of another one: that needs no space. Raises Failure."""
    staged = _staged(path)
    with _removed_on_failure([staged]):
        staged.unlink(missing_ok=True)
        os.link(source, staged, follow_symlinks=False)
        staged.replace(path)
        sync_directory(path.parent)


def append_line(path: Path, line: bytes, mode: int) -> None:
    """Write a file anew with a further line. One that a power cut left half-written stays a line of its own."""
    former = read(path)
    end = b"" if former.endswith(b"\n") or not former else b"\n"
    write(path, former + end + line, mode)


def replace(contents: dict[Path, bytes], modes: dict[Path, int], owner: tuple[int, int] = (0, 0)) -> None:
    """The same for several files: all are written completely before the first is renamed."""
    with _removed_on_failure([_staged(path) for path in contents]):
        for path, content in contents.items():
            _write_staged(path, content, modes[path], owner)
        for path in contents:
            _staged(path).replace(path)
            sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Flush the names in a directory: after a power cut the renamed file is there."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> bytes:
    """The content of a regular file; empty where there is none. A link is not followed: it counts as none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def _staged(path: Path) -> Path:
    return path.with_name(f"{path.name}{STAGED}")


def _write_staged(path: Path, content: bytes, mode: int, owner: tuple[int, int]) -> None:
    staged = _staged(path)
    with suppress(FileNotFoundError):
        staged.unlink()
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fchown(handle, *owner)
        os.fchmod(handle, mode)
        os.fsync(handle)
    if read(staged) != content:
        raise Failure(f"{path} could not be written: its content differs afterwards")


@contextmanager
def _removed_on_failure(paths: list[Path]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(f"{error.filename or paths[0]} could not be written: {error.strerror}") from error
    finally:
        for path in paths:
            with suppress(OSError):
                path.unlink()
