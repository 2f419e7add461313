"""What is known of a restore that goes on, in its staging directory: for whoever finishes or undoes it.

The phase decides: `swapping` is undone, `serving` is finished, `back` was undone; without one nothing was touched. The
directory has the host program of the version that began it, and `program`, which every version can run.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from deployer.remote import config, files
from deployer.remote.backup import mounts
from deployer.remote.config import Config
from deployer.remote.failure import Failure
from deployer.remote.restore.wanted import Wanted, parsed

SWAPPING, SERVING, BACK = "swapping", "serving", "back"
PROGRAM = "remote.pyz"
START = '#!/bin/bash\nexec python3 -I -X utf8 "${{0%/*}}/{program}" restore finish\n'
"""Whatever word it is called with: those of other versions differ."""
PRIVATE, EXECUTABLE = 0o600, 0o700


@dataclass(frozen=True)
class State:
    """What an undo needs: `services` are started, `previous` are those of the release that served with `containers`.

    `replaced` are the paths that there were, of those that are swapped; `upstreams` is the content of the proxy's file;
    `closed` that the maintenance page was on before.
    """

    former: str
    replaced: tuple[str, ...]
    containers: tuple[str, ...]
    services: str
    previous: str
    upstreams: str
    closed: bool


@dataclass(frozen=True)
class Journal:
    """The staging directory of the restores of a host."""

    directory: Path

    @classmethod
    def of(cls, settings: Config) -> "Journal":
        return cls(settings.state / "restoring")

    @property
    def new(self) -> Path:
        """Where the backup is unpacked."""
        return self.directory / "new"

    @property
    def phase(self) -> str:
        return files.read(self.directory / "journal").decode().strip()

    def enter(self, phase: str) -> None:
        """Everything before it is on the disk then."""
        files.write(self.directory / "journal", f"{phase}\n".encode(), PRIVATE)

    @property
    def wanted(self) -> Wanted:
        return parsed(files.read(self.directory / "wanted.json").decode())

    @property
    def state(self) -> State:
        """Raises Failure where it was not saved."""
        try:
            given = json.loads(files.read(self.directory / "state.json"))
            return State(**{**given, "replaced": tuple(given["replaced"]), "containers": tuple(given["containers"])})
        except (ValueError, TypeError, KeyError) as error:
            raise Failure(f"{self.directory}/state.json cannot be read: {error}") from error

    def save(self, state: State) -> None:
        files.write(self.directory / "state.json", json.dumps(asdict(state)).encode(), PRIVATE)

    @property
    def exit_code(self) -> int | None:
        """How the undo ended, for whoever waits for it; None where there was none."""
        content = files.read(self.directory / "code").decode().strip()
        return int(content) if content.isdigit() else None

    def begin(self, wanted: Wanted) -> None:
        """An empty directory; what an earlier restore left is removed."""
        self.remove()
        self.new.mkdir(parents=True, mode=EXECUTABLE)
        self.directory.chmod(EXECUTABLE)
        files.write(self.directory / "wanted.json", wanted.text.encode(), PRIVATE)

    def keep_program(self, settings: Config) -> None:
        """Keep this version of the host program, with its settings: another one may be installed when it is needed."""
        for name in (PROGRAM, config.FILE):
            files.write(self.directory / name, files.read(settings.state / name), PRIVATE)
        files.write(self.directory / "program", START.format(program=PROGRAM).encode(), EXECUTABLE)

    def record_exit_code(self, code: int) -> None:
        files.write(self.directory / "code", f"{code}\n".encode(), PRIVATE)

    def mark_served(self) -> None:
        """Visitors may have written to the restored state from here on."""
        files.write(self.directory / "served", b"", PRIVATE)

    @property
    def has_served(self) -> bool:
        return (self.directory / "served").exists()

    def mark_database(self) -> None:
        """This restore has unpacked a database: one that an earlier restore left is not taken for it."""
        files.write(self.directory / "database", b"", PRIVATE)

    @property
    def has_database(self) -> bool:
        return (self.directory / "database").exists()

    @property
    def may_be_in_use(self) -> bool:
        return self.phase in (SWAPPING, SERVING)

    def remove(self) -> None:
        """Raises Failure, where something is mounted in it for example."""
        if os.path.lexists(self.directory):
            mounts.remove(self.directory)
