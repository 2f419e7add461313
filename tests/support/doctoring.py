"""Backups that nobody made: a copy of a real one, changed by a test, with sums that fit.

Runs on the host, as `python3 - DIRECTORY ID NEW WHAT`, with nothing but Python's own library and zstd.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

Write = Callable[[tarfile.TarFile], None]


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", content: bytes = b"") -> Write:
    """A further member."""

    def write(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, target, len(content)
        archive.addfile(info, io.BytesIO(content))

    return write


def through_a_link(archive: tarfile.TarFile) -> None:
    """A link to a directory elsewhere, and a file below it."""
    named("data/out", tarfile.SYMTYPE, "/etc/cron.d")(archive)
    named("data/out/evil", content=b"* * * * * root touch /evil\n")(archive)


UNSAFE: dict[str, Write] = {
    "a name that leads out": named("data/../../../evil", content=b"x"),
    "an absolute name": named("/evil", content=b"x"),
    "a device": named("data/device", tarfile.CHRTYPE),
    "a link used as a directory": through_a_link,
    "a name of another part": named("nginx/nginx.conf", content=b"x"),
    "a hard link to what is elsewhere": named("data/passwd", tarfile.LNKTYPE, "etc/passwd"),
}


def main(directory: str, known: str, new: str, what: str) -> None:
    source, target = Path(directory, known), Path(directory, new)
    target.mkdir(mode=0o700)
    for file in source.iterdir():
        if file.name != "verified":
            (target / file.name.replace(known, new)).write_bytes(file.read_bytes())
    listing = None
    if what in UNSAFE:
        _rewrite(target / f"{new}_volumes.tar.zst", UNSAFE[what])
    else:
        listing = _with_line(target / f"{new}_config.tar.zst", what.encode())
    _sum_up(target, known, new, listing)


def _unpacked(file: Path) -> bytes:
    return subprocess.run(["zstd", "-qdc", str(file)], stdout=subprocess.PIPE, check=True).stdout


def _pack(file: Path, content: bytes) -> None:
    file.unlink()
    subprocess.run(["zstd", "-q", "-o", str(file)], input=content, check=True)


def _rewrite(file: Path, add: Write, change: Callable[[tarfile.TarInfo, bytes], bytes] | None = None) -> None:
    buffer = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(_unpacked(file)), errors="surrogateescape") as old,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as new,
    ):
        for member in old:
            content = old.extractfile(member) if member.isreg() else None
            data = content.read() if content else b""
            if change:
                data = change(member, data)
                member.size = len(data)
            member.pax_headers = {
                key: value for key, value in member.pax_headers.items() if not key.startswith("GNU.sparse")
            }
            new.addfile(member, io.BytesIO(data))
        add(new)
    _pack(file, buffer.getvalue())


def _with_line(file: Path, line: bytes) -> dict[str, object]:
    """.env gets a line; gives how it is listed from now on."""
    changed: dict[str, object] = {}

    def change(member: tarfile.TarInfo, data: bytes) -> bytes:
        if member.name == ".env":
            data += line + b"\n"
            changed.update(path=".env", size=len(data), sha256=hashlib.sha256(data).hexdigest())
        return data

    _rewrite(file, lambda archive: None, change)
    return changed


def _sum_up(target: Path, known: str, new: str, listing: dict[str, object] | None) -> None:
    files, grown = target / f"{new}_files.jsonl.zst", 0
    if listing:
        entries = [json.loads(line) for line in _unpacked(files).splitlines()]
        for entry in entries:
            if entry["path"] == listing["path"]:
                grown = int(str(listing["size"])) - entry["size"]
                entry.update(listing)
        _pack(files, "".join(json.dumps(entry) + "\n" for entry in entries).encode())
    manifest = json.loads((target / "manifest.json").read_text())
    manifest["id"] = new
    for part in manifest["parts"]:
        part["file"] = part["file"].replace(known, new)
        part["unpacked"] += grown if part["part"] == "config" else 0
        content = (target / part["file"]).read_bytes()
        part["bytes"], part["sha256"] = len(content), hashlib.sha256(content).hexdigest()
    (target / "manifest.json").write_text(json.dumps(manifest) + "\n")
    names = sorted(file.name for file in target.iterdir() if file.name != "SHA256SUMS")
    sums = "".join(f"{hashlib.sha256((target / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (target / "SHA256SUMS").write_text(sums)


if __name__ == "__main__":
    main(*sys.argv[1:])
