"""What one image is built of: the same on the host and on the operator's machine."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from deployer.remote.failure import NotUnderstood

Show = Callable[[str], None]
"""Takes each line that a build prints."""


@dataclass(frozen=True)
class Recipe:
    """A commit, the image's name, and how it is built; what is not given is empty.

    `context` and `dockerfile` are paths in the repository; `own` is the tool's Dockerfile, for where there is none.
    `inputs` is a digest of the settings, kept as a label; `arguments` are NAME=VALUE.
    """

    commit: str
    image: str
    inputs: str
    context: str
    dockerfile: str
    own: str
    target: str
    arguments: tuple[str, ...]
    platform: str

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))


def parsed(text: str) -> Recipe:
    """The reverse of `text`. Raises Failure where it is not one of this version."""
    try:
        given = json.loads(text)
        return Recipe(**{**given, "arguments": tuple(given["arguments"])})
    except (ValueError, TypeError, KeyError) as error:
        raise NotUnderstood(f"the image to build is not described as this host program expects: {error}") from error


@dataclass(frozen=True)
class Places:
    """Where it is built: the repository, the tool's Dockerfiles, a directory for the export.

    `slice` is the unit of systemd with whose limits the commands of the Dockerfile run; empty for no limits.
    """

    source: Path
    tool: Path
    work: Path
    slice: str = ""
