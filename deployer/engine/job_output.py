"""The output of a job, as `follow.sh` prints it: lines to show, and marks of how far the job is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class JobResult:
    """How a job ended: `failed` is the number of the change that failed, 0 for none; `parts` are in seconds.

    `cause` is the first reason that the host program gave, in one line.
    """

    exit_code: int
    failed: int = 0
    undone: bool = True
    output: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    cause: str = ""


class JobOutput:
    """Splits the output of a job into lines and marks."""

    def __init__(
        self, start: Callable[[], None], on_change: Callable[[int], None], on_line: Callable[[str], None]
    ) -> None:
        self._start, self._on_change, self._on_line = start, on_change, on_line
        self._rest = b""
        self._kept: list[str] = []
        self._failed = 0
        self._undone = True
        self._cause = ""
        self._parts: dict[str, float] = {}
        self._ready = False
        self.result: JobResult | None = None

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))

    def _take(self, line: str) -> None:
        if not self._ready:
            self._ready = line == "ready"
            self._start()
        elif line.startswith("\x1e"):
            self._mark(line[1:].split(" "))
        elif line := line.rstrip("\r").rpartition("\r")[2]:  # of a line that is written over, what it is at last
            self._kept = [*self._kept[-39:], line]
            self._on_line(line)

    def _mark(self, words: list[str]) -> None:
        match words:
            case ["change", number]:
                self._kept = []
                self._on_change(int(number))
            case ["failed", number, _]:
                self._failed = int(number)
            case ["stuck"]:
                self._undone = False
            case ["cause", *words]:
                self._cause = self._cause or " ".join(words)
            case ["part", name, seconds]:
                self._parts[name] = float(seconds)
            case ["exit", code]:
                self.result = JobResult(
                    int(code) if code.isdigit() else 137,
                    self._failed,
                    self._undone,
                    "\n".join(self._kept),
                    self._parts,
                    self._cause,
                )
