"""A backup that comes from elsewhere: it gets its name in the directory of the backups once it is verified."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from deployer.remote import files, signals
from deployer.remote.backup import mounts
from deployer.remote.backup.verify import verify
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.stopping_points import reached

Verify = Callable[[Host, Path, str], str]
"""What is wrong with the backup of this name in a directory; empty where it is intact."""


def verified_in(host: Host, directory: Path, name: str) -> str:
    """As a backup in that directory."""
    backup = replace(host.config.backup, directory=str(directory))
    return verify(Host(replace(host.config, backup=backup), host.docker), name)


def is_there(host: Host, name: str, verify: Verify = verified_in) -> bool:
    """Whether the host has it already, and intact."""
    return (host.config.backups / name).is_dir() and not verify(host, host.config.backups, name)


def arrive(host: Host, name: str, bring: Callable[[Path], None], verify: Verify = verified_in) -> None:
    """Let `bring` fill a directory, which it finds empty or makes; verify it, and give it its name. Raises Failure.

    A damaged one of this name is moved aside, and kept until the next backup.
    """
    directory = host.config.backups
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = directory / f".{name}.unfinished"
    try:
        mounts.remove(staging)
        staging.mkdir(mode=0o700)
        bring(staging / name)
        _refuse_foreign(staging / name)
        if problem := verify(host, staging, name):
            raise Failure(problem)
        reached("before a fetched backup gets its name")
        with signals.ignored():
            _place(staging, directory, name)
    except OSError as error:
        raise Failure(f"{error.filename or staging}: {error.strerror}") from error
    finally:
        with signals.ignored():
            _remove(staging, name)


def _remove(staging: Path, name: str) -> None:
    """What did not get its name; a damaged backup that was moved aside stays."""
    with suppress(OSError, Failure):
        mounts.remove(staging / name)
        staging.rmdir()


def _refuse_foreign(directory: Path) -> None:
    """A backup has regular files alone; from here on they are root's. Raises Failure for anything else."""
    for entry in directory.iterdir():
        state = entry.lstat()
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
            raise Failure(f"the backup holds {entry.name!r}, which is not a regular file")
        os.chown(entry, 0, 0)
        entry.chmod(0o600)
    os.chown(directory, 0, 0)
    directory.chmod(0o700)


def _place(staging: Path, directory: Path, name: str) -> None:
    """Give it its name; one that has the name already is moved to the staging directory, which stays then."""
    target, damaged = directory / name, staging / "damaged"
    if target.exists():
        target.rename(damaged)
    try:
        (staging / name).rename(target)
    except OSError:
        if damaged.exists():
            damaged.rename(target)
        raise
    files.sync_directory(directory)
