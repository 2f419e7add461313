"""The one line that changes while something is done: what it is, for how long, the last line of its output."""

import time
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from deployer.output.symbols import shown_in

SPINNER = 2
"""Columns of what turns in front of it."""
LEAST = 12
"""Columns that the last line needs to be worth showing."""


@dataclass
class Live:
    """What is being done, since when (monotonic seconds), and the last line that it printed."""

    doing: str
    began: float = field(default_factory=time.monotonic)
    last: str = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def fitted(self, width: int) -> tuple[str, str]:
        """What is done with its seconds, and of the last line what has room beside it: one line together."""
        elapsed = f" · {self.seconds:.0f} s"
        doing = _cut(self.doing, width - cell_len(elapsed)) + elapsed
        room = width - cell_len(doing) - 3
        return doing, f" · {_cut(self.last, room)}" if self.last and room >= LEAST else ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Made anew each time it is drawn: the seconds go on while nothing is printed."""
        parts = self.fitted(options.max_width - SPINNER)
        doing, last = (shown_in(console.encoding, part) for part in parts)
        yield Text.assemble(doing, (last, "dim"), no_wrap=True, overflow="crop")


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, max(0, width - 1))}…"
