"""How long the parts of a roll-out took: each is reported when it ends."""

import time
from dataclasses import dataclass, field

from deployer.remote import output


@dataclass
class Parts:
    """The part that goes on now began at `began` (monotonic seconds)."""

    began: float = field(default_factory=time.monotonic)
    gap: float | None = None
    """When the old containers were stopped, where none serves meanwhile."""

    def begin_gap(self) -> None:
        """From now on nobody serves."""
        self.gap = time.monotonic()

    def end_gap(self) -> None:
        """Report how long it was, where there was one."""
        if self.gap is not None:
            output.part("gap", time.monotonic() - self.gap)
            self.gap = None

    def end(self, name: str) -> None:
        """Report the part that ends now; the next one begins."""
        now = time.monotonic()
        output.part(name, now - self.began)
        self.began = now
