"""Copying every complete backup that has no snapshot yet, retention, and the weekly check of the repository."""

import re
import time

from deployer.remote import files, output
from deployer.remote.backup import catalogue
from deployer.remote.backup.catalogue import Backup
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.lock import exclusive
from deployer.remote.offsite import snapshots
from deployer.remote.offsite.restic import ABSENT, INCOMPLETE, LONG, Restic
from deployer.remote.offsite.snapshots import TAG
from deployer.remote.stopping_points import reached

WEEK = 7 * 86_400
QUARTERS = 4
"""Of the data, of which each check reads another one: all is read within four weeks."""
DAMAGED = re.compile("contains errors|errors were found")
LOCK_SECONDS = 600.0


def push(host: Host) -> None:
    """After a backup. Raises Failure, which says that the backup itself is complete."""
    try:
        number = _synchronised(host)
    except Failure as failure:
        what = f"the local backup is complete; copying it off-site failed: {failure}"
        raise Failure(what, failure.exit_code) from failure
    output.say(f"off-site: {number} snapshots in the repository")


def _synchronised(host: Host) -> int:
    """How many snapshots there are in the end."""
    directory = host.config.offsite
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(directory / "lock", LOCK_SECONDS, "another run is copying backups"):
        restic = Restic.of(host)
        _open_repository(host, restic)
        restic.succeed("stale locks could not be removed", "--quiet", "unlock")
        _push_missing(host, restic)
        reached("before the off-site retention")
        _remove_old(host, restic)
        _check_weekly(host, restic)
        return len(snapshots.listed(host, restic))


def _open_repository(host: Host, restic: Restic) -> None:
    """A new one is made only where none was ever seen: one that was is unreachable (its disk is not mounted, say)."""
    where, known = restic.credentials.repository, host.config.offsite / "known"
    result = restic.ask("--no-cache", "--no-lock", "cat", "config")
    if result.exit_code == ABSENT and files.read(known).decode(errors="replace").strip() == where:
        gone = restic.failure(result, "the repository is gone")
        raise Failure(f"{gone} To begin a new one: rm {known}")
    if result.exit_code == ABSENT:
        restic.succeed("the repository could not be made", "--no-cache", "init")
        output.say("off-site: a new repository was made")
    elif not result.succeeded:
        raise restic.failure(result, "the repository does not open")
    files.write(known, f"{where}\n".encode(errors="surrogateescape"), 0o600)


# -- copying ---------------------------------------------------------------------------------------------------------


def _push_missing(host: Host, restic: Restic) -> None:
    """The latest first: it is worth most, should there be time for one only."""
    _remove_unfinished(host, restic)
    present = snapshots.listed(host, restic)
    for backup in reversed(catalogue.complete(host.config)):
        if backup.id not in present:
            _push_one(host, restic, backup)


def _remove_unfinished(host: Host, restic: Restic) -> None:
    """restic makes a snapshot also of what it could read only in part: that one is removed."""
    pushing = host.config.offsite / "pushing"
    identifier = files.read(pushing).decode(errors="replace").strip()
    unfinished = snapshots.listed(host, restic).get(identifier) if identifier else None
    if unfinished:
        what = f"the unfinished snapshot {identifier} cannot be removed"
        restic.succeed(what, "--quiet", "forget", *unfinished.snapshots)
    pushing.unlink(missing_ok=True)


def _push_one(host: Host, restic: Restic, backup: Backup) -> None:
    pushing, directory = host.config.offsite / "pushing", host.config.backups / backup.id
    files.write(pushing, f"{backup.id}\n".encode(), 0o600)
    reached("before a backup is copied off-site")
    result = restic.ask(*_words(host, backup), limit=LONG, directory=directory)
    reached("after a backup was copied off-site")
    if result.exit_code == INCOMPLETE or not directory.is_dir():
        restic.print_end(result)
        _remove_unfinished(host, restic)
        what = "could not be read completely" if directory.is_dir() else "was removed before it was copied"
        raise Failure(f"{backup.id} {what}, and was not copied")
    if not result.succeeded:
        raise restic.failure(result, f"{backup.id} could not be copied")
    pushing.unlink()
    output.say(f"off-site: copied {backup.id}")


def _words(host: Host, backup: Backup) -> tuple[str, ...]:
    manifest, release = backup.manifest, backup.manifest.get("release")
    made = str(manifest["time"]).replace("T", " ").rstrip("Z")
    size = manifest.get("bytes") if isinstance(manifest.get("bytes"), int) else 0
    return (
        *("--quiet", "backup", "--host", host.config.name, "--time", made, "--exclude", catalogue.VERIFIED),
        *("--tag", TAG, "--tag", backup.id, "--tag", f"size={size}"),
        *("--tag", f"release={release.get('id', '') if isinstance(release, dict) else ''}", "."),
    )


# -- the repository --------------------------------------------------------------------------------------------------


def _remove_old(host: Host, restic: Restic) -> None:
    """The days count back from the latest snapshot, which is always kept."""
    keep = host.config.backup
    restic.succeed(
        "all backups are copied, but old snapshots could not be removed",
        *("--quiet", "forget", "--prune", "--tag", TAG, "--host", host.config.name, "--group-by", "host"),
        *("--keep-within", f"{keep.keep_days}d", "--keep-last", str(keep.keep_min)),
        limit=LONG,
    )


def _check_weekly(host: Host, restic: Restic) -> None:
    """Check the structure and a quarter of the data once a week; the file `checked` holds the number of the quarter."""
    stamp = host.config.offsite / "checked"
    if stamp.exists() and time.time() - stamp.stat().st_mtime < WEEK:
        return
    last = files.read(stamp).strip()
    quarter = (int(last) if re.fullmatch(rb"[0-9]{1,9}", last) else 0) % QUARTERS + 1
    result = restic.ask("--quiet", "check", f"--read-data-subset={quarter}/{QUARTERS}", limit=LONG)
    if result.exit_code == 1 and DAMAGED.search(result.text):
        restic.print_end(result)
        raise Failure("restic check finds the repository damaged; see docs/offsite.md, A damaged repository")
    if not result.succeeded:
        raise restic.failure(result, "the repository could not be checked")
    files.write(stamp, f"{quarter}\n".encode(), 0o600)
    output.say(f"off-site: checked, and read quarter {quarter} of {QUARTERS}")
