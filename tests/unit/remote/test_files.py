"""Files of the host: written completely or not at all."""

import os
from pathlib import Path

import pytest

from deployer.remote import files
from deployer.remote.failure import Failure
from tests.support.fakes import IS_ROOT

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")


def test_written(tmp_path: Path) -> None:
    """With this content, mode and owner, and nothing else is in the directory."""
    files.write(tmp_path / "file", b"content", 0o640, (7, 8))
    found = (tmp_path / "file").stat()
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o640, 7, 8)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_full_disk(tmp_path: Path) -> None:
    """None of several files is replaced where the last one cannot be written; no half of it is left."""
    first, second = tmp_path / "first", tmp_path / "absent" / "second"
    first.write_text("former")
    with pytest.raises(Failure, match="could not be written: No such file or directory"):
        files.replace({first: b"new", second: b"new"}, {first: 0o644, second: 0o644})
    assert first.read_text() == "former"
    assert list(tmp_path.iterdir()) == [first]


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """Neither where the new file is written, nor where it is put."""
    target = tmp_path / "target"
    target.write_text("another's")
    for name in ("file", f"file{files.STAGED}"):
        (tmp_path / name).symlink_to(target)
    files.write(tmp_path / "file", b"content", 0o600)
    assert target.read_text() == "another's"
    assert not (tmp_path / "file").is_symlink()


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A link, a directory and a pipe count as absent, and nothing waits for a writer."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert [files.read(tmp_path / name) for name in ("link", "directory", "pipe", "absent")] == [b""] * 4
