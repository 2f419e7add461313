"""What is removed after a backup that succeeded: old backups, and the state that a restore has replaced."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from deployer.remote import output
from deployer.remote.backup import existing, mounts
from deployer.remote.backup.restored_database import remove_previous
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.stopping_points import reached

OWN = ("manifest.json", "SHA256SUMS", "verified")


def remove_old(host: Host) -> None:
    """Remove what is older than the days, but for the latest complete ones, and at least one.

    A directory with files that no backup has is kept. It is hidden before it is removed: no half of one is seen.
    """
    keep = host.config.backup
    kept = existing.complete(host.config)[-max(keep.keep_min, 1) :]
    limit = datetime.now(timezone.utc) - timedelta(days=keep.keep_days)
    for backup in existing.backups(host.config):
        if backup in kept or backup.name[-15:] > limit.strftime("%Y%m%d_%H%M%S"):
            continue
        if foreign := _foreign(backup):
            what = f"holds a file that is not part of it ({foreign}): it is kept"
            output.say(f"{backup.name} is older than {keep.keep_days} days, but {what}")
            continue
        reached("before removing a backup")
        hidden = backup.rename(backup.with_name(f".{backup.name}.unfinished"))
        mounts.remove(hidden)
        output.say(f"removed {backup.name}, which is older than {keep.keep_days} days")


def remove_previous_state(host: Host) -> None:
    """Remove what a restore has replaced, now that a backup has what is there instead."""
    try:
        mounts.remove(host.config.state / "former")
    except Failure as failure:
        output.say(str(failure))
    try:
        remove_previous(host)
    except Failure as failure:
        output.say(f"the previous database could not be removed; the next backup tries again: {failure}")


def _foreign(backup: Path) -> str:
    """The first file in it that this program does not make; empty where there is none."""
    found = (path for path in sorted(backup.iterdir()) if path.is_symlink() or not path.is_file() or not _is_own(path))
    return next((path.name for path in found), "")


def _is_own(path: Path) -> bool:
    return path.name in OWN or path.name.startswith(f"{path.parent.name}_")
