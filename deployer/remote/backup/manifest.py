"""The manifest of a backup and its sums, and the moment from which it can be seen."""

import hashlib
import json
import os
import re
import socket
from itertools import islice
from pathlib import Path

from deployer.remote import files
from deployer.remote.backup import existing
from deployer.remote.backup.archive import PIECE, check_written, compressor, suffix
from deployer.remote.backup.making import NAMED, Counted, Making
from deployer.remote.failure import Failure
from deployer.remote.process import run
from deployer.remote.stopping_points import reached

SECONDS = 3600.0
MODE = 0o600
SERVING = ("deployed", "restored")
"""Results in the log of releases after which a release serves."""


def write_listing(making: Making) -> None:
    """Compress the list of files."""
    target = making.work / f"{making.id}_files.jsonl.{suffix()}"
    with making.listing.open("rb") as listing, target.open("wb") as file:
        result = run(*compressor(making.offsite), limit=SECONDS, stdin=listing, into=file)
    if not result.succeeded:
        raise Failure(f"the list of files could not be written: {result.last_lines}")
    making.after.append(check_written(target, making.stack))


def publish(making: Making, names: tuple[str, ...]) -> Path:
    """Write manifest and sums for the parts of these names, and give the backup its own at once."""
    found = {name: path for name in (*names, "files") for path in making.work.glob(f"{making.id}_{name}.*")}
    try:
        for path in set(making.work.iterdir()) - set(found.values()):
            path.unlink()
        _write_manifest(making, found)
        reached("before publishing")
        published = making.work.rename(making.host.config.backups / making.id)
        files.sync_directory(published.parent)
    except OSError as error:
        raise Failure(f"the backup could not be written to the disk: {error.strerror}") from error
    if problem := existing.problem(published):
        raise Failure(f"the backup {making.id} is incomplete: {problem}; run deployer backup again")
    return published


def digest(file: Path) -> str:
    """The SHA-256 of a file, of which nothing is followed."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return digest_of_handle(handle)
    finally:
        os.close(handle)


def digest_of_handle(handle: int) -> str:
    """The same of an open file, from its position on."""
    found, buffer = hashlib.sha256(), memoryview(bytearray(PIECE))
    while size := os.readv(handle, [buffer]):
        found.update(buffer[:size])
    return found.hexdigest()


def _write_manifest(making: Making, found: dict[str, Path]) -> None:
    parts = [_part(name, path, making.counts.get(name, Counted())) for name, path in found.items()]
    for wait in making.after:  # the checks have run while the digests were made
        wait()
    manifest = (json.dumps(_manifest(making, parts)) + "\n").encode()
    sums = {str(part["file"]): str(part["sha256"]) for part in parts}
    sums["manifest.json"] = hashlib.sha256(manifest).hexdigest()
    for path in found.values():
        path.chmod(MODE)
        _sync(path)
    files.write(making.work / "manifest.json", manifest, MODE)
    lines = "".join(f"{one}  {name}\n" for name, one in sorted(sums.items()))
    files.write(making.work / "SHA256SUMS", lines.encode(), MODE)
    files.sync_directory(making.work)


def _manifest(making: Making, parts: list[dict[str, object]]) -> dict[str, object]:
    """On one line: `deployer backups` prints it as it is."""
    return {
        "format": 1,
        "id": making.id,
        "time": making.time,
        "host": re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname()),
        "tool": making.host.config.version,
        "bytes": sum(part["bytes"] for part in parts if isinstance(part["bytes"], int)),
        "unpacked": sum(counted.unpacked for counted in making.counts.values()),
        "measured": making.measured,
        "still": round(making.pause.seconds, 3),
        "changed": making.changed,
        "release": _release(making.host.config.state / "releases.jsonl"),
        "rows": making.rows,
        "parts": parts,
        "unfolded": dict(islice(making.unfolded.items(), NAMED)),
        "omitted": {why: named.count for why, named in making.omitted.items()},
    }


def _part(name: str, path: Path, counted: Counted) -> dict[str, object]:
    size = path.stat().st_size
    known = {"part": name, "file": path.name, "bytes": size, "sha256": digest(path)}
    return {**known, "files": counted.files, "unpacked": counted.unpacked}


def _release(log: Path) -> object:
    """The current release as the log has it; a line that a power failure cut off does not count."""
    lines = files.read(log).decode(errors="replace").splitlines()
    serving = [line for line in lines if any(f'"result": "{result}"' in line for result in SERVING)]
    try:
        return json.loads(serving[-1]) if serving else None
    except ValueError:
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
