"""The snapshots of a repository, as the catalogue shows backups: what is known without fetching them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.remote.backup.catalogue import ID, is_time
from deployer.remote.host import Host
from deployer.remote.offsite.restic import Restic

TAG = "deployer"
SNAPSHOT = re.compile("[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Snapshot:
    """The off-site snapshot of a backup; the last of `snapshots` counts where it was copied more than once."""

    id: str
    time: str
    bytes: int
    release: str
    snapshots: tuple[str, ...]

    @property
    def line(self) -> str:
        """In the form of a line of the catalogue."""
        release = {"id": self.release} if self.release else None
        manifest = {"time": self.time, "bytes": self.bytes, "release": release}
        shown = {"id": self.id, "problem": "", "manifest": manifest, "verified": "", "snapshot": self.snapshots[-1]}
        return json.dumps(shown)


def listed(host: Host, restic: Restic) -> dict[str, Snapshot]:
    """All of this deployment by the id of their backup, oldest first. Raises Failure where they cannot be listed."""
    words = ("--no-cache", "--no-lock", "snapshots", "--json", "--tag", TAG, "--host", host.config.name)
    return parse(host.config.name, restic.succeed("the snapshots cannot be listed", *words).text)


def parse(name: str, printed: str) -> dict[str, Snapshot]:
    """From the output of `restic snapshots --json`, in which warnings may surround the line of JSON."""
    found: dict[str, Snapshot] = {}
    for snapshot in _snapshots(name, printed):
        earlier = found.get(snapshot.id)
        both = (*earlier.snapshots, *snapshot.snapshots) if earlier else snapshot.snapshots
        found[snapshot.id] = Snapshot(snapshot.id, snapshot.time, snapshot.bytes, snapshot.release, both)
    return dict(sorted(found.items()))


def _snapshots(name: str, printed: str) -> Iterator[Snapshot]:
    line = next((line for line in printed.splitlines() if line.startswith("[")), "[]")
    try:
        entries = json.loads(line)
    except (ValueError, RecursionError):
        return
    for entry in entries:
        if isinstance(entry, dict) and SNAPSHOT.fullmatch(str(entry.get("id"))):
            yield from _of_backup(name, entry)


def _of_backup(name: str, entry: Mapping[str, object]) -> Iterator[Snapshot]:
    """None where it is not the tool's. Size and release are tags: restic itself shows sizes only from 0.17 on."""
    tags = entry.get("tags")
    words = [str(tag) for tag in tags] if isinstance(tags, list) else []
    values = dict(word.split("=", 1) for word in words if "=" in word)
    size, time = values.get("size", ""), str(entry.get("time"))[:19] + "Z"
    for word in words:
        if re.fullmatch(re.escape(name) + ID, word) and is_time(time):
            number = int(size) if re.fullmatch("[0-9]{1,18}", size) else 0
            yield Snapshot(word, time, number, values.get("release", ""), (str(entry["id"]),))
