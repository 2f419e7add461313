"""Builds images on this machine and streams them to the host: only what its Docker lacks, as one gzip stream."""

import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deployer.build import image_archive as archive
from deployer.build import local_docker as docker
from deployer.build import source
from deployer.build.subprocesses import KEPT, Show, run
from deployer.engine.changes import Send
from deployer.errors import Context, DeployerError
from deployer.inventory.model import Inventory
from deployer.output.report import Report
from deployer.remote.build import image
from deployer.remote.build.recipe import Places, Recipe
from deployer.remote.docker import command
from deployer.remote.failure import Failure
from deployer.transport.protocol import Transport

BUILD_LIMIT, SEND_LIMIT = 3600, 7200
"""Seconds for one build, and for the transfer with the loading at its end."""

LOAD = "docker load --quiet"
"""One gzip stream in standard input. The list of its images comes last in it, so an incomplete stream loads none."""

PROGRESS = 10.0
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
            run(("docker", "save", "--output", str(saved), *change.images), "save", limit=BUILD_LIMIT, show=self._show)
            run(("docker", "rmi", *change.images), "remove the tag", limit=60, show=lambda line: None)
            self._stream(change, saved, transport)

    def _build(self, change: Send, work: Path) -> None:
        """The tags are removed afterwards; the builder's cache keeps the layers for the next build."""
        tool = work / "tool"
        tool.mkdir()
        for file in change.files:
            (tool / file.path.name).write_bytes(file.content)
        with source.repository_with(self.host, change.commit, self._show) as repository:
            for recipe in change.builds:
                self._build_image(recipe, Places(repository, tool, work))

    def _build_image(self, recipe: Recipe, places: Places) -> None:
        """As the host would. Raises DeployerError."""
        printed: deque[str] = deque(maxlen=KEPT)

        def show(line: str) -> None:
            printed.append(line)
            self._show(line)

        try:
            image.build(command, recipe, places, show)
        except Failure as failure:
            output = "\n".join((*printed, str(failure)))
            context = Context(output=output, exit_code=failure.exit_code)
            raise DeployerError(f"build {recipe.image}: failed on this machine", context=context) from failure

    def _stream(self, change: Send, saved: Path, transport: Transport) -> None:
        with tarfile.open(saved) as opened:
            images = archive.images(opened)
        _refuse_other(images, change)
        left_out = archive.surplus(images, change.held)
        counted = _Counted(archive.compressed(saved, left_out), self._show)
        began = time.monotonic()
        reply = transport.run(LOAD, stdin=counted, limit=SEND_LIMIT)
        if reply.exit_code != 0:
            output = (reply.output + reply.error).decode(errors="replace")
            remedy = "run this command again: it checks again which layers the host has"
            raise DeployerError("the host could not load the images", remedy=remedy, context=Context(output=output))
        layers = {name for image in images for name in image.files}
        self._report_sent(counted.sent, len(layers - left_out), len(layers), time.monotonic() - began)

    def _report_sent(self, sent: int, layers: int, of: int, seconds: float) -> None:
        text = f"              sent {sent / 1000:,.0f} kB ({layers} of {of} layers) in {seconds:.1f} s"
        fields: dict[str, object] = {"bytes": sent, "layers": layers, "of": of, "seconds": round(seconds, 3)}
        self.report.data("sent", fields, text)

    def _show(self, line: str) -> None:
        self.report.line(line)


def _refuse_other(images: tuple[archive.Image, ...], change: Send) -> None:
    wanted = change.platform.partition("/")[2]
    other = {image.architecture for image in images} - {wanted}
    if other:
        raise DeployerError(
            f"the image was built for {', '.join(sorted(other))}, but the host is {wanted}",
            remedy='check --platform in the Dockerfile, or set [build] where = "host" to build on the host itself',
        )


@dataclass
class _Counted:
    """A stream that counts what was sent, and shows it from time to time."""

    pieces: Iterator[bytes]
    show: Show
    sent: int = 0
    shown: float = field(default_factory=time.monotonic)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            yield piece
            self.sent += len(piece)
            if time.monotonic() - self.shown > PROGRESS:
                self.shown = time.monotonic()
                self.show(f"sent {self.sent / 1e6:.0f} MB")
