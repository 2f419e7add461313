"""Builds images on this machine and streams them to the host: only what its Docker lacks, as one gzip stream."""

import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deployer.build import image_archive as archive
from deployer.build import local_docker as docker
from deployer.build import source
from deployer.build.subprocesses import Say, run
from deployer.engine.changes import Send
from deployer.engine.program import script
from deployer.errors import Context, DeployerError
from deployer.inventory.model import Inventory
from deployer.output.report import Report
from deployer.transport.protocol import Transport

BUILD_LIMIT, SEND_LIMIT = 3600, 7200
"""Seconds for one build, and for the transfer with the loading at its end."""

TELL = 10.0
"""Seconds between two lines about how much was sent."""


@dataclass
class LocalBuilder:
    """Implements `ImageTransfer` for one host."""

    host: Inventory
    report: Report

    def ready(self) -> None:
        docker.check()

    def send(self, change: Send, transport: Transport) -> None:
        docker.check()
        cache = source.cache_directory()
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache, ignore_cleanup_errors=True) as work:
            self._build(change, Path(work))
            saved = Path(work, "images.tar")
            run(("docker", "save", "--output", str(saved), *change.images), "save", limit=BUILD_LIMIT, say=self._say)
            run(("docker", "rmi", *change.images), "forget the image", limit=60, say=lambda line: None)
            self._stream(change, saved, transport)

    def _build(self, change: Send, work: Path) -> None:
        """The names are forgotten afterwards: the builder's cache keeps the layers for the next time."""
        tool = work / "tool"
        tool.mkdir()
        for file in change.files:
            (tool / file.path.name).write_bytes(file.content)
        with source.repository_with(self.host, change.commit, self._say) as repository:
            environ = {"SOURCE": str(repository), "TOOL": str(tool), "WORK": str(work)}
            for image, text in zip(change.images, change.builds, strict=True):
                words = ("bash", "-euo", "pipefail", "-c", text)
                run(words, f"build {image}", limit=BUILD_LIMIT, say=self._say, environ=environ)

    def _stream(self, change: Send, saved: Path, transport: Transport) -> None:
        with tarfile.open(saved) as opened:
            images = archive.images(opened)
        _refuse_other(images, change)
        left_out = archive.surplus(images, change.held)
        counted = _Counted(archive.compressed(saved, left_out), self._say)
        began = time.monotonic()
        reply = transport.run(script("releases/scripts/load_images.sh"), stdin=counted, limit=SEND_LIMIT)
        if reply.exit_code != 0:
            told = (reply.output + reply.error).decode(errors="replace")
            remedy = "run the same command again: it asks anew which layers the host has"
            raise DeployerError("the host could not load the images", remedy=remedy, context=Context(output=told))
        layers = {name for image in images for name in image.files}
        self._tell(counted.sent, len(layers - left_out), len(layers), time.monotonic() - began)

    def _tell(self, sent: int, layers: int, of: int, seconds: float) -> None:
        text = f"              sent {sent / 1000:,.0f} kB ({layers} of {of} layers) in {seconds:.1f} s"
        fields: dict[str, object] = {"bytes": sent, "layers": layers, "of": of, "seconds": round(seconds, 3)}
        self.report.data("sent", fields, text)

    def _say(self, line: str) -> None:
        self.report.line(line)


def _refuse_other(images: tuple[archive.Image, ...], change: Send) -> None:
    wanted = change.platform.partition("/")[2]
    other = {image.architecture for image in images} - {wanted}
    if other:
        raise DeployerError(
            f"built for {', '.join(sorted(other))}, but the host is {wanted}",
            remedy='does the Dockerfile say another --platform? [build] where = "host" builds on the host itself',
        )


@dataclass
class _Counted:
    """A stream that knows how much of it was taken, and says so now and then."""

    pieces: Iterator[bytes]
    say: Say
    sent: int = 0
    told: float = field(default_factory=time.monotonic)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            yield piece
            self.sent += len(piece)
            if time.monotonic() - self.told > TELL:
                self.told = time.monotonic()
                self.say(f"sent {self.sent / 1e6:.0f} MB")
