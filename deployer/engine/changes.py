"""What a step may ask the engine to do, as frozen data. A step yields these; only the engine acts on them.

Every change says why in one line: the dry run prints exactly the list that a run applies.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from deployer.secret import Secret


@dataclass(frozen=True)
class File:
    """A file as it shall stand on the host."""

    path: PurePosixPath
    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class WriteFiles:
    """Write files beside, check them, then rename each into place.

    `check` is bash that finds the new files below $STAGED under their full paths and fails to refuse them.
    """

    why: str
    files: tuple[File, ...]
    diff: str = ""
    check: str = ""


@dataclass(frozen=True)
class Script:
    """Bash run as root with `set -euo pipefail`. `undo` takes it back when a later change of the step fails.

    `within` is the limit in seconds. `critical` work is never broken off by Ctrl-C. A `payload` is laid beside
    the script as the file $PAYLOAD, readable by root alone, and removed when the job is over.
    """

    why: str
    script: str
    undo: str = ""
    diff: str = ""
    within: int = 300
    critical: bool = False
    payload: Secret | None = None


@dataclass(frozen=True)
class Gate:
    """Bash asked again and again until it exits 0, at most `within` seconds; `explain` prints why it does not."""

    why: str
    script: str
    within: int
    explain: str = ""
    pause: float = 1.0


@dataclass(frozen=True)
class SecondLogin:
    """Bash run over a second, new connection: proves that a person can still log in."""

    why: str
    script: str


@dataclass(frozen=True)
class OutsideCheck:
    """The site is looked at as a visitor does: where it is worse than before the step, `undo` (bash) goes back."""

    why: str
    undo: str
    within: int = 300


@dataclass(frozen=True)
class Send:
    """Images that the operator's machine builds and streams to the host, but for the layers that its Docker holds.

    Each of `builds` is bash run there, with SOURCE (a repository that has `commit`), TOOL (a directory with `files`)
    and WORK (a directory of its own) in its environment; it makes the image of `images` at its place, for `platform`.
    `held` are the layers of each image on the host, lowest first, by the digests of their content.
    """

    why: str
    commit: str
    images: tuple[str, ...]
    builds: tuple[str, ...]
    files: tuple[File, ...]
    platform: str
    held: tuple[tuple[str, ...], ...]


Change = WriteFiles | Script | Gate | SecondLogin | OutsideCheck | Send


@dataclass(frozen=True)
class Note:
    """Something a person should know; nothing is changed for it."""

    text: str
    remedy: str = ""


class Stop(Exception):
    """The host is not as the step needs it, and no change of the step's can mend that; all reasons at once."""

    def __init__(self, *problems: Note) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = problems
