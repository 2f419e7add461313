"""Archives that no backup has made, and what tar makes of them."""

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

from deployer.remote.backup.contents import Contents, Unsafe
from tests.support import tree as reference

TYPES = {
    "directory": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "link away": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
}
TARGETS = {
    "link": ("b", "../a", "c/a", "none"),
    "link away": ("/etc", "/etc/shadow", "../../..", "/"),
    "hard link": ("data/a", "data/b", "data/c/a", "data/d.db"),
}


def packed(members: list[tuple[str, str, int]]) -> bytes:
    """An archive of these, in this order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, number in members:
            member = tarfile.TarInfo(f"data/{name}")
            member.type, member.mode = TYPES.get(kind, tarfile.REGTYPE), 0o777
            member.linkname = TARGETS.get(kind, ("",) * 4)[number]
            content = f"{name} {kind} {number}".encode() if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def accepted(archive: bytes) -> Contents | None:
    """What the verifier reads; None where it refuses the archive."""
    contents = Contents(("data",))
    try:
        contents.read(io.BytesIO(archive))
    except Unsafe:
        return None
    return contents


def unpacked(archive: bytes, to: Path) -> dict[str, bytes]:
    """What tar makes of it: the line of each path."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    words = ("tar", "-C", str(to), "--numeric-owner", "--same-owner", "--same-permissions", "--delay-directory-restore")
    subprocess.run([*words, "-xf", "-"], input=archive, check=True, capture_output=True)
    entries = reference.on_disk(str(to), ("data",))
    return {str(entry["path"]): json.dumps(entry).encode() for entry in entries}
