"""The changes that a step can plan, as frozen data. A step yields them; only the engine makes them.

Every change has a reason of one line, `why`: the dry run prints exactly the list that a run applies.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from deployer.remote.build.recipe import Recipe
from deployer.secret import Secret


@dataclass(frozen=True)
class File:
    """The desired state of a file on the host."""

    path: PurePosixPath
    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class WriteFiles:
    """Write files to a staging directory, check them, then rename each into place.

    `check` is bash that finds the new files below $STAGED under their full paths, and fails where one is invalid.
    """

    why: str
    files: tuple[File, ...]
    diff: str = ""
    check: str = ""


@dataclass(frozen=True)
class Script:
    """Bash run as root with `set -euo pipefail`. `undo` reverts it when a later change of the step fails.

    `within` is the limit in seconds. `critical` work is never interrupted by Ctrl-C. A `payload` is put next to
    the script as the file $PAYLOAD, readable by root alone, and removed when the job ends.
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
    """Bash that is repeated until it exits 0, for at most `within` seconds; `explain` prints why it does not."""

    why: str
    script: str
    within: int
    explain: str = ""
    pause: float = 1.0


@dataclass(frozen=True)
class SecondLogin:
    """Bash run over a second, new connection: proves that the operator can still log in."""

    why: str
    script: str


@dataclass(frozen=True)
class OutsideCheck:
    """Check the site from outside; where a check fails that passed before the step, run `undo` (bash)."""

    why: str
    undo: str
    within: int = 300


@dataclass(frozen=True)
class Send:
    """Images that the operator's machine builds and streams to the host, except for layers that its Docker already has.

    Each of `builds` makes the image at its index of `images` from `commit`, for `platform`; `files` are the tool's.
    `held` are the layers of each image on the host, lowest first, by the digests of their content.
    """

    why: str
    commit: str
    images: tuple[str, ...]
    builds: tuple[Recipe, ...]
    files: tuple[File, ...]
    platform: str
    held: tuple[tuple[str, ...], ...]


Change = WriteFiles | Script | Gate | SecondLogin | OutsideCheck | Send


def can_be_undone(change: Change) -> bool:
    """Whether a later change that fails takes this one back. An OutsideCheck undoes what was before it."""
    return isinstance(change, WriteFiles) or (isinstance(change, Script) and bool(change.undo))


@dataclass(frozen=True)
class Note:
    """Something the operator should know; nothing is changed for it."""

    text: str
    remedy: str = ""


class Stop(Exception):
    """The host does not meet the step's requirements, and no change of the step can fix that; all reasons at once."""

    def __init__(self, *problems: Note) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = problems
