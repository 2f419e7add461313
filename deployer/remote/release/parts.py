"""How long the parts of a roll-out took: each is reported when it ends."""

import time
from dataclasses import dataclass, field

from deployer.remote import output


@dataclass
class Parts:
    """The part that goes on now began at `began` (monotonic seconds)."""

    began: float = field(default_factory=time.monotonic)

    def end(self, name: str) -> None:
        """Report the part that ends now; the next one begins."""
        now = time.monotonic()
        output.part(name, now - self.began)
        self.began = now
