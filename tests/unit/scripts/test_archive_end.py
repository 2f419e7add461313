"""tree.py at the end of an archive: zeros that fill it up are no content; anything else is refused."""

import io
import tarfile

import pytest

from deployer.backups.scripts.tree import Unsafe, in_archive


def archive(size: int) -> bytes:
    """As GNU tar writes it, filled up to 20 blocks."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("data/a")
        member.size = size
        tar.addfile(member, io.BytesIO(bytes(size)))
    return made.getvalue()


@pytest.mark.parametrize("blocks", range(20))
def test_every_length(blocks: int) -> None:
    """The two blocks that end it may lie in two reads."""
    assert list(in_archive(io.BytesIO(archive(blocks * tarfile.BLOCKSIZE)), ("data",))) == ["data/a"]


def test_something_behind() -> None:
    """Another archive behind the first would be unpacked by nobody, and looked at by nobody."""
    with pytest.raises(Unsafe, match="after the end"):
        in_archive(io.BytesIO(archive(512) + b"x" * 512), ("data",))
