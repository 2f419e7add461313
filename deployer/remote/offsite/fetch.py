"""Fetching a backup from its snapshot: it gets its name in the directory of the backups once it is verified."""

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from deployer.remote import files, output, signals
from deployer.remote.backup.verify import verify as verify_backup
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.offsite import snapshots
from deployer.remote.offsite.restic import LONG, Restic
from deployer.remote.offsite.snapshots import Snapshot
from deployer.remote.stopping_points import reached

LATEST = "latest"
SPARE = 16_000_000
"""Bytes of the disk that have to be free beside the backup."""

Verify = Callable[[Host, Path, str], str]
"""What is wrong with the backup of this name in a directory; empty where it is intact."""


def verified_in(host: Host, directory: Path, name: str) -> str:
    """As a backup in that directory."""
    backup = replace(host.config.backup, directory=str(directory))
    return verify_backup(Host(replace(host.config, backup=backup), host.docker), name)


def fetch(host: Host, wanted: str, verify: Verify = verified_in) -> None:
    """Fetch a backup by its id, or the latest one. Raises Failure.

    One that is intact on the host is kept; a damaged one is moved aside, and kept until the next backup.
    """
    try:
        restic = Restic.of(host)
        chosen = _chosen(host, snapshots.listed(host, restic), wanted)
        target = host.config.backups / chosen.id
        if target.is_dir() and not verify(host, host.config.backups, chosen.id):
            output.say(f"{chosen.id} is in {host.config.backups} already, and intact")
            return
        _fetch(host, restic, chosen, verify)
    except Failure as failure:
        raise Failure(f"the off-site snapshot cannot be fetched: {failure}", failure.exit_code) from failure
    output.say(f"fetched {chosen.id}, and verified it")


def _chosen(host: Host, there: dict[str, Snapshot], wanted: str) -> Snapshot:
    if not there:
        raise Failure(f"the repository has no snapshot of {host.config.name}")
    found = there.get(max(there) if wanted == LATEST else wanted)
    if not found:
        raise Failure(f"the repository has no {wanted}, only: {' '.join(there)}")
    return found


def _fetch(host: Host, restic: Restic, chosen: Snapshot, verify: Verify) -> None:
    directory = host.config.backups
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = directory / f".{chosen.id}.unfinished"
    try:
        _restore(restic, chosen, staging)
        _refuse_foreign(staging / chosen.id)
        if problem := verify(host, staging, chosen.id):
            raise Failure(problem)
        reached("before a fetched backup gets its name")
        with signals.ignored():
            _place(staging, directory, chosen.id)
    except OSError as error:
        raise Failure(f"{error.filename or staging}: {error.strerror}") from error
    finally:
        with signals.ignored():
            shutil.rmtree(staging / chosen.id, ignore_errors=True)
            with suppress(OSError):
                staging.rmdir()


def _restore(restic: Restic, chosen: Snapshot, staging: Path) -> None:
    if staging.exists():
        shutil.rmtree(staging)
    if shutil.disk_usage(staging.parent).free < chosen.bytes + SPARE:
        raise Failure(f"not enough disk space in {staging.parent} for {chosen.bytes} bytes")
    staging.mkdir(mode=0o700)
    target = staging / chosen.id
    words = ("--no-cache", "--no-lock", "--quiet", "restore", chosen.snapshots[-1], "--target", str(target))
    restic.succeed(f"{chosen.id} could not be fetched", *words, limit=LONG)


def _refuse_foreign(directory: Path) -> None:
    """A backup has regular files alone; from here on they are root's. Raises Failure for anything else."""
    for entry in directory.iterdir():
        state = entry.lstat()
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
            raise Failure(f"the snapshot holds {entry.name!r}, which is not a regular file")
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
