"""tree.py: what lies in a directory and what its archive holds are told alike; what could do harm is refused."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.engine.program import text
from tests.support.fakes import IS_ROOT

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root gives files away")

Told = dict[str, dict[str, object]]
EXACT = 1_600_000_000_123_456_789


def ask(*words: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", text("backups/scripts/tree.py"), *words],
        input=given,
        capture_output=True,
        timeout=30,
        check=False,
    )


def told(ran: "subprocess.CompletedProcess[bytes]") -> Told:
    assert ran.returncode == 0, ran.stderr
    entries = [json.loads(line) for line in ran.stdout.splitlines()]
    return {entry["path"]: entry for entry in entries}


def packed(base: Path, *names: str) -> bytes:
    """As former versions packed a backup."""
    form = ("--format=posix", "--pax-option=delete=atime,delete=ctime", "--sparse", "--numeric-owner")
    attributes = ("--xattrs", "--xattrs-include=*", "--acls")
    words = ("tar", *form, *attributes, "-C", str(base), "-cf", "-", *names)
    return subprocess.run(words, check=True, capture_output=True).stdout


def awkward(base: Path) -> None:
    """Everything that a file can be, as far as this file system has it."""
    data = base / "data"
    (data / "empty").mkdir(parents=True)
    (data / "file").write_text("content")
    os.chown(data / "file", 1234, 5678)
    (data / "file").chmod(0o4751)
    with (data / "sparse").open("wb") as sparse:
        sparse.seek(5_000_000)
        sparse.write(b"end")
        sparse.truncate(9_000_000)
    (data / "link").symlink_to("../elsewhere/none")
    os.chown(data / "link", 1, 2, follow_symlinks=False)
    os.link(data / "file", data / "hard")
    for name in (b"new\nline", b"\xff\xfe", b" a  b ", b"-x", "ü".encode(), b"x" * 255):
        Path(os.fsdecode(os.fsencode(data) + b"/" + name)).write_bytes(name)
    for path in data.iterdir():
        os.utime(path, ns=(EXACT, EXACT), follow_symlinks=False)
    os.utime(data, ns=(EXACT + 1, EXACT + 1))


def test_the_disk_and_the_archive_are_told_alike(tmp_path: Path) -> None:
    """Owners, modes, times to the nanosecond, links of both kinds, holes, names that are no text."""
    awkward(tmp_path)
    disk = told(ask("disk", str(tmp_path), "data"))
    assert told(ask("archive", "data", given=packed(tmp_path, "data"))) == disk
    assert len(disk) == 12
    file = disk["data/file"]
    assert (file["uid"], file["gid"], file["mode"], file["mtime"], file["size"]) == (1234, 5678, 0o4751, EXACT, 7)
    assert disk["data/hard"]["sha256"] == file["sha256"]
    assert (disk["data/link"]["target"], disk["data/sparse"]["size"]) == ("../elsewhere/none", 9_000_000)


def test_attributes(tmp_path: Path) -> None:
    """Extended ones, of any bytes, are told from both."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").touch()
    for name, value in (("user.note", b"text"), ("user.bytes", b"\xff\x80"), ("trusted.own", b"t")):
        try:
            os.setxattr(tmp_path / "data/file", name, value)
        except OSError:
            pytest.skip("this file system has no extended attributes")
    disk = told(ask("disk", str(tmp_path), "data"))
    assert disk["data/file"]["attributes"] == {"trusted.own": "74", "user.bytes": "ff80", "user.note": b"text".hex()}
    assert told(ask("archive", "data", given=packed(tmp_path, "data"))) == disk


def test_every_difference_is_seen(tmp_path: Path) -> None:
    """One thing changed at a time: another line."""
    awkward(tmp_path)
    file, before = tmp_path / "data/file", told(ask("disk", str(tmp_path), "data"))
    changes: tuple[Callable[[], object], ...] = (
        lambda: file.write_text("CONTENT"),
        lambda: file.chmod(0o600),
        lambda: os.chown(file, 0, 0),
        lambda: os.utime(file, ns=(EXACT, EXACT + 1)),
    )
    for change in changes:
        change()
        after = told(ask("disk", str(tmp_path), "data"))
        assert after["data/file"] != before["data/file"]
        before = after


@pytest.mark.parametrize("blocks", range(1, 25))
def test_wherever_the_archive_ends(tmp_path: Path, blocks: int) -> None:
    """Its two blocks of zeros may lie in two records."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_bytes(b"x" * 512 * blocks)
    assert "data/file" in told(ask("archive", "data", given=packed(tmp_path, "data")))


def made(*members: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return file.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


HARMFUL = {
    "absolute": (member("/etc/passwd"),),
    "up": (member("data/../../etc/passwd"),),
    "only up": (member(".."),),
    "dot": (member("data/./x"),),
    "device": (member("data/disk", tarfile.BLKTYPE),),
    "terminal": (member("data/tty", tarfile.CHRTYPE),),
    "fifo": (member("data/fifo", tarfile.FIFOTYPE),),
    "outside": (member("etc/passwd"),),
    "a name that only begins so": (member("database/x"),),
    "below a link": (member("data/link", tarfile.SYMTYPE, "/etc"), member("data/link/passwd")),
    "below a file": (member("data/file"), member("data/file/x")),
    "a hard link to elsewhere": (member("data/x", tarfile.LNKTYPE, "/etc/shadow"),),
    "a hard link to what is not there": (member("data/x", tarfile.LNKTYPE, "data/y"),),
    "a hard link to a link": (member("data/y", tarfile.SYMTYPE, "/etc"), member("data/x", tarfile.LNKTYPE, "data/y")),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_could_do_harm(name: str) -> None:
    """Refused by name, and nothing is told of it."""
    ran = ask("archive", "data", "logs", given=made(*HARMFUL[name]))
    assert (ran.returncode, ran.stdout) == (3, b"")
    assert ran.stderr.startswith(b"not a valid archive: ")


def test_a_directory_in_the_place_of_a_link(tmp_path: Path) -> None:
    """The last word counts: what was a link while it was read may be a directory by then."""
    members = (member("data/x", tarfile.SYMTYPE, "y"), member("data/x", tarfile.DIRTYPE), member("data/x/file"))
    assert told(ask("archive", "data", given=made(*members)))["data/x"]["type"] == "directory"


def test_two_archives_in_one() -> None:
    """tar would read the first, another program both."""
    one = made(member("data/x"))
    ran = ask("archive", "data", given=one + made(member("data/y")))
    assert ran.returncode == 3
    assert b"after the end" in ran.stderr


@pytest.mark.parametrize("kept", [0, 100, 700, 512 * 5])
def test_cut_off(kept: int) -> None:
    """In a header, in the content: never taken for a short archive. Nothing at all is no archive either."""
    whole = made(member("data/x", size=5000), member("data/y"))
    ran = ask("archive", "data", given=whole[:kept])
    assert ran.returncode == 3, ran.stdout


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not here")
def test_damaged_compression(tmp_path: Path) -> None:
    """What zstd does not finish is no archive."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x").write_bytes(os.urandom(300_000))
    whole = subprocess.run(["zstd", "-q", "-c"], input=packed(tmp_path, "data"), capture_output=True, check=True).stdout
    cut = subprocess.run(["zstd", "-q", "-d", "-c"], input=whole[:-20], capture_output=True, check=False).stdout
    assert ask("archive", "data", given=cut).returncode == 3
