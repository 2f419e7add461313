"""What the engine needs of whoever builds images on the operator's side."""

from typing import Protocol

from deployer.engine.changes import Send
from deployer.transport.protocol import Transport


class ImageTransfer(Protocol):
    """Builds images and sends them to the host."""

    def ready(self) -> None:
        """Asked before anything is changed. Raises UsageError where this machine cannot build."""

    def send(self, change: Send, transport: Transport) -> None:
        """Build, and load on the host. Raises DeployerError."""


class NoImageTransfer:
    """For a run whose steps send nothing."""

    def ready(self) -> None:
        raise NotImplementedError("this run has nobody who builds on the operator's side")

    def send(self, change: Send, transport: Transport) -> None:
        self.ready()
