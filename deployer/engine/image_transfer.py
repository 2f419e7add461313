"""What the engine requires of the builder of images on the operator's machine."""

from typing import Protocol

from deployer.engine.changes import Send
from deployer.transport.protocol import Transport


class ImageTransfer(Protocol):
    """Builds images and sends them to the host."""

    def ready(self) -> None:
        """Check, before anything is changed, that this machine can build. Raises UsageError."""

    def send(self, change: Send, transport: Transport) -> None:
        """Build, and load on the host. Raises DeployerError."""


class NoImageTransfer:
    """For a run whose steps send nothing."""

    def ready(self) -> None:
        raise NotImplementedError("this run has no builder of images on the operator's side")

    def send(self, change: Send, transport: Transport) -> None:
        self.ready()
