"""Fetching a backup from its snapshot: it gets its name in the directory of the backups once it is verified."""

import shutil
from pathlib import Path

from deployer.remote import output
from deployer.remote.backup.arrival import Verify, arrive, is_there, verified_in
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.offsite import snapshots
from deployer.remote.offsite.restic import LONG, Restic
from deployer.remote.offsite.snapshots import Snapshot

LATEST = "latest"
SPARE = 16_000_000
"""Bytes of the disk that have to be free beside the backup."""


def fetch(host: Host, wanted: str, verify: Verify = verified_in) -> None:
    """Fetch a backup by its id, or the latest one. Raises Failure.

    One that is intact on the host is kept; a damaged one is moved aside, and kept until the next backup.
    """
    try:
        restic = Restic.of(host)
        chosen = _chosen(host, snapshots.listed(host, restic), wanted)
        if is_there(host, chosen.id, verify):
            output.say(f"{chosen.id} is in {host.config.backups} already, and intact")
            return
        arrive(host, chosen.id, lambda target: _restore(restic, chosen, target), verify)
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


def _restore(restic: Restic, chosen: Snapshot, target: Path) -> None:
    if shutil.disk_usage(target.parent).free < chosen.bytes + SPARE:
        raise Failure(f"not enough disk space in {target.parent} for {chosen.bytes} bytes")
    words = ("--no-cache", "--no-lock", "--quiet", "restore", chosen.snapshots[-1], "--target", str(target))
    restic.succeed(f"{chosen.id} could not be fetched", *words, limit=LONG)
