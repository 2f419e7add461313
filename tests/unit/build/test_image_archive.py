"""What of a saved image is sent."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from deployer.build.image_archive import Image, compressed, images, surplus

BLOBS = "blobs/sha256/"


def image(*names: str) -> Image:
    """Layers a, b … whose files have their names."""
    return Image("amd64", tuple(f"sha256:{name}" for name in names), tuple(BLOBS + name for name in names))


def held(*stacks: str) -> list[tuple[str, ...]]:
    return [tuple(f"sha256:{name}" for name in stack) for stack in stacks]


@pytest.mark.parametrize(
    ("found", "there", "left_out"),
    [
        (["abc"], [], ""),
        (["abc"], ["ab"], "ab"),
        (["abc"], ["a", "ab", "x"], "ab"),
        (["abc"], ["abc"], "abc"),
        (["abc"], ["abcd"], "abc"),
        (["abc"], ["bc"], ""),
        (["abc"], ["acb"], "a"),
        (["abc", "abd"], ["ab"], "ab"),
        (["ab", "xb"], ["ab"], "a"),
        (["abb"], ["ab"], "a"),
    ],
    ids=str,
)
def test_surplus(found: list[str], there: list[str], left_out: str) -> None:
    """The lowest layers that one image there has in the same order; never one that is needed at another place."""
    assert surplus([image(*names) for names in found], held(*there)) == {BLOBS + name for name in left_out}


def test_older_layout_is_sent_whole() -> None:
    """Before Docker 25 the files are named otherwise, and some are links to others."""
    old = Image("amd64", ("sha256:a",), ("0123/layer.tar",))
    assert surplus([old], held("a")) == frozenset()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """An archive as Docker 26 writes it: by name, so the list of images stands before other things."""
    configuration = {"architecture": "arm64", "rootfs": {"diff_ids": ["sha256:a", "sha256:b"]}}
    manifest = [{"Config": f"{BLOBS}c", "RepoTags": ["x:1"], "Layers": [f"{BLOBS}a", f"{BLOBS}b"]}]
    contents = {
        f"{BLOBS}a": b"a" * 1000,
        f"{BLOBS}b": b"b" * 3_000_000,
        f"{BLOBS}c": json.dumps(configuration).encode(),
        "index.json": b"{}",
        "manifest.json": json.dumps(manifest).encode(),
        "oci-layout": b"{}",
        "repositories": b"{}",
    }
    path = tmp_path / "images.tar"
    with tarfile.open(path, "w") as archive:
        directory = tarfile.TarInfo("blobs")
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_images(saved: Path) -> None:
    """Layers by content, beside their files, and the kind of machine."""
    with tarfile.open(saved) as archive:
        (found,) = images(archive)
    assert found == Image("arm64", ("sha256:a", "sha256:b"), (f"{BLOBS}a", f"{BLOBS}b"))


def test_stream(saved: Path) -> None:
    """A whole archive without what is left out, the list of images last, nothing that works without it."""
    stream = b"".join(compressed(saved, {f"{BLOBS}a"}))
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(stream))) as sent, tarfile.open(saved) as archive:
        names = sent.getnames()
        assert names == ["blobs", f"{BLOBS}b", f"{BLOBS}c", "index.json", "oci-layout", "manifest.json"]
        for name in names[1:]:
            here, there = archive.extractfile(name), sent.extractfile(name)
            assert here
            assert there
            assert here.read() == there.read()
    assert len(stream) < 100_000


def test_a_stream_that_was_cut_loads_nothing(saved: Path) -> None:
    """Wherever it ends, the list of images is not in it."""
    plain = gzip.decompress(b"".join(compressed(saved, ())))
    for end in (len(plain) // 2, plain.rindex(b"manifest.json")):
        with tarfile.open(fileobj=io.BytesIO(plain[:end])) as cut, pytest.raises((tarfile.ReadError, KeyError)):
            cut.getmember("manifest.json")
