"""Making a backup: `make`, run by cron and by `deployer backup`.

It is written to a hidden directory, verified and renamed: one that can be seen is complete. However it ends, nothing
else is left, and the application runs.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from deployer.remote import output, signals
from deployer.remote.backup import existing, mounts, sizes
from deployer.remote.backup.freeze import frozen
from deployer.remote.backup.making import Making
from deployer.remote.backup.manifest import publish, write_listing
from deployer.remote.backup.parts import PARTS, Part
from deployer.remote.backup.retention import remove_old, remove_previous_state
from deployer.remote.backup.tree import shown
from deployer.remote.backup.volumes import Reshaped
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.stopping_points import reached
from deployer.remote.waiting import await_true

TRIES = 3
SPARE = 16_000_000
"""Bytes that a backup needs at least."""


def make(host: Host) -> None:
    """Make a backup, and remove what is not kept any more. Raises Failure where there is none afterwards."""
    began = time.monotonic()
    with _directory(host) as making:
        making.measured = check(host, host.config.backups)
        published = _made(making)
        making.report()
        known = existing.manifest(published)
        written, read = (sizes.megabytes(float(str(known[key]))) for key in ("bytes", "unpacked"))
        output.say(f"backup {making.id}: {written} of {read}, {time.monotonic() - began:.1f} s")
        remove_old(host)
        remove_previous_state(host)


def estimate(host: Host) -> None:
    """Show what a backup would read and need, without writing anything. Raises Failure as a backup would."""
    directory = host.config.backups
    while not directory.is_dir():
        directory = directory.parent
    for part in (made(host) for made in PARTS.values()):
        if contents := part.contents():
            output.say(f"{part.name}: {sizes.megabytes(part.measure())} in {' '.join(contents)}")
    needed = sizes.megabytes(_needed(host, check(host, directory)))
    output.say(f"about {needed} are needed in {host.config.backups}, {sizes.megabytes(sizes.free(directory))} are free")


def check(host: Host, directory: Path) -> int:
    """The bytes that a backup reads. Raises Failure where there is nothing to back up, or no space for it here."""
    parts = [made(host) for made in PARTS.values()]
    worthwhile = [part.check() for part in parts]  # all of them, also where the first has something
    if not any(worthwhile):
        root = host.config.root
        raise Failure(
            f"nothing to back up: no file below {root}/data and {root}/logs; "
            "does the application write to backend.data_dir?"
        )
    measured = sum(part.measure() for part in parts)
    needed, free = _needed(host, measured), sizes.free(directory)
    if free < needed:
        raise Failure(
            f"not enough disk space in {host.config.backups}: about {sizes.megabytes(needed)} are needed, "
            f"{sizes.megabytes(free)} are free; free some, or lower backup.keep_days"
        )
    return measured


def _needed(host: Host, measured: int) -> int:
    """By the compression of the last backup, and a quarter more; the first one may not be compressible."""
    last = existing.manifest(next(iter(existing.complete(host.config)[::-1]), Path("none")))
    written, read = last.get("bytes"), last.get("measured")
    if isinstance(written, int) and isinstance(read, int) and read > 1 and written < read:
        return int(measured * written / read * 1.25) + SPARE
    return measured + SPARE


def _made(making: Making) -> Path:
    parts = _frozen(making)
    for part in parts:
        part.finish(making)
        reached(f"{part.name} written")
    write_listing(making)
    return publish(making, tuple(part.name for part in parts))


def _frozen(making: Making) -> list[Part]:
    """The parts, with what is of one instant set aside; from the beginning where it could not be unpacked."""
    for _ in range(TRIES):
        try:
            return _try(making)
        except Reshaped as error:
            path = shown(str(error))
            output.say(f"{path} became something else while the backup read it: beginning anew")
            making.stack.close()
            making.omitted.clear()
    raise Failure(f"{path} becomes something else again and again, a link or a directory, while a backup reads it")


def _try(making: Making) -> list[Part]:
    parts = [made(making.host) for made in PARTS.values()]
    for part in parts:
        part.read(making)
    with frozen(making.host) as pause:
        making.pause = pause
        for part in parts:
            part.freeze(making)
    return parts


@contextmanager
def _directory(host: Host) -> Iterator[Making]:
    """A hidden directory, which is removed unless it was renamed."""
    try:
        host.config.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        host.config.backups.chmod(0o700)
    except OSError as error:
        raise Failure(f"{host.config.backups} cannot be made: {error.strerror}") from error
    try:
        _clean_up(host)
        making = _begun(host)
        with making.stack:
            yield making
    except OSError as error:
        raise Failure(f"the backup could not be written to the disk: {error.strerror}") from error
    finally:
        with signals.ignored():
            _clean_up(host)


def _clean_up(host: Host) -> None:
    """Remove what this backup, or one that was killed, has left."""
    for left in host.config.backups.glob(f".{host.config.name}_????????_??????.unfinished"):
        mounts.remove(left)
    shutil.rmtree(host.config.state / "staged", ignore_errors=True)


def _begun(host: Host) -> Making:
    """A backup of the same second may exist."""
    await_true(lambda: not (host.config.backups / _id(host, datetime.now(timezone.utc))).exists(), 3.0)
    now = datetime.now(timezone.utc)
    name = _id(host, now)
    work = host.config.backups / f".{name}.unfinished"
    work.mkdir(mode=0o700)
    return Making(host, name, now.strftime("%Y-%m-%dT%H:%M:%SZ"), work)


def _id(host: Host, now: datetime) -> str:
    return f"{host.config.name}_{now:%Y%m%d_%H%M%S}"
