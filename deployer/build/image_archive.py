"""The output of `docker save` as a stream without the layers that the other Docker has already.

Since Docker 25 it is an OCI layout: blobs/sha256/DIGEST, where a layer's digest is that of its content, with
manifest.json, which lists for each image its configuration and its layers' files (moby, image/tarexport/save.go).
`docker load` opens the file of a layer only where the store has no layer of that content *upon those same layers*
(image/tarexport/load.go looks for the chain's id): so what may be left out are the lowest layers that one image of the
other Docker has in the same order, not any layer whose content is there.
"""

import json
import tarfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

PIECE = 1 << 20

LAYOUT = "blobs/sha256/"
"""Where an OCI layout has its files; of the older layout nothing is left out (its layers may be links)."""

LAST, NEVER = "manifest.json", "repositories"
"""Without the first nothing is loaded, so it comes last: a stream that was cut has none. The other would make Docker
load what it finds nevertheless, as before there was a manifest."""

Layers = tuple[str, ...]


@dataclass(frozen=True)
class Image:
    """One image of an archive: its layers by content (lowest first) and the file of each."""

    architecture: str
    layers: Layers
    files: Layers


def images(archive: tarfile.TarFile) -> tuple[Image, ...]:
    return tuple(_image(archive, entry) for entry in json.loads(_content(archive, LAST)))


def surplus(found: Sequence[Image], held: Collection[Layers]) -> frozenset[str]:
    """The files of layers that the other Docker does not need, whichever of these images asks for them."""
    needed: set[str] = set()
    known: set[str] = set()
    for image in found:
        count = max((_common(image.layers, other) for other in held), default=0)
        known |= {name for name in image.files[:count] if name.startswith(LAYOUT)}
        needed |= set(image.files[count:])
    return frozenset(known - needed)


def compressed(path: Path, left_out: Collection[str]) -> Iterator[bytes]:
    """The archive as one gzip stream, without these files."""
    press = zlib.compressobj(wbits=31)  # 31: with gzip's head and tail
    for piece in _plain(path, left_out):
        if packed := press.compress(piece):
            yield packed
    yield press.flush()


class _Entry(TypedDict):
    """Of an entry of manifest.json what is read."""

    Config: str
    Layers: list[str]


def _image(archive: tarfile.TarFile, entry: _Entry) -> Image:
    configuration = json.loads(_content(archive, entry["Config"]))
    layers = tuple(configuration["rootfs"]["diff_ids"])
    return Image(configuration["architecture"], layers, tuple(entry["Layers"]))


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    return file.read() if file else b""


def _common(one: Layers, other: Layers) -> int:
    """How many layers both have, from the lowest on."""
    count = 0
    for here, there in zip(one, other, strict=False):
        if here != there:
            break
        count += 1
    return count


def _plain(path: Path, left_out: Collection[str]) -> Iterator[bytes]:
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.name not in (*left_out, LAST, NEVER)]
        for member in (*members, archive.getmember(LAST)):
            yield member.tobuf(tarfile.PAX_FORMAT)
            yield from _padded(archive, member)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _padded(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = archive.extractfile(member) if member.isreg() else None
    if file is None:
        return
    while piece := file.read(PIECE):
        yield piece
    yield bytes(-member.size % tarfile.BLOCKSIZE)
