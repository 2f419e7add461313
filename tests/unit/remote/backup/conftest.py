"""A host with something to back up: its Docker knows two containers of the application, which write as a test says."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest

from deployer.remote.backup import existing, make, settled
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import OnOutput, Result
from tests.support.fakes import IS_ROOT
from tests.unit.remote.conftest import config

LONG_AGO = 1_600_000_000 * 10**9 + 123_456_789
PROGRAM_SECONDS = 20


def nothing() -> None:
    """What an application does that does nothing."""


@dataclass
class Application:
    """Docker, as far as a backup asks it. `during` is what the application does just before it is paused."""

    states: dict[str, str] = field(default_factory=lambda: {"backend-1": "running", "backend-2": "running"})
    calls: list[tuple[str, ...]] = field(default_factory=list)
    during: Callable[[], None] = nothing
    after: Callable[[], None] = nothing
    fails: dict[str, str] = field(default_factory=dict)
    """What Docker says instead, by the first word."""
    image: bool = True
    seconds: str = ""

    def __call__(
        self,
        *words: str,
        limit: float = 0,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        self.calls.append(words)
        if words[0] in self.fails:
            return Result(1, f"{self.fails[words[0]]}\n".encode())
        answer = getattr(self, f"_{words[0]}", lambda words, stdin: Result(0, b""))
        result: Result = answer(words, stdin)
        return result

    @property
    def pauses(self) -> list[str]:
        return [words[0] for words in self.calls if words[0] in ("pause", "unpause")]

    def _ps(self, words: tuple[str, ...], stdin: bytes) -> Result:
        state = next(word for word in words if "status=" in word).rpartition("=")[2]
        names = [name for name, known in self.states.items() if known == state]
        return Result(0, "\n".join(names).encode() if any("backend-api" in word for word in words) else b"")

    def _pause(self, words: tuple[str, ...], stdin: bytes) -> Result:
        self.during()
        self.states |= dict.fromkeys(words[1:], "paused")
        return Result(0, b"")

    def _unpause(self, words: tuple[str, ...], stdin: bytes) -> Result:
        self.states |= dict.fromkeys(words[1:], "running")
        self.after()
        return Result(0, b"")

    def _run(self, words: tuple[str, ...], stdin: bytes) -> Result:
        """The program, without a container around it."""
        if not self.image:
            return Result(127, b'exec: "python3": executable file not found in $PATH\n')
        place = words[words.index("--volume") + 1].removesuffix(":/fold")
        ran = subprocess.run(
            [sys.executable, "-I", "-", place, self.seconds or words[-1]],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=PROGRAM_SECONDS,
            cwd="/",
        )
        return Result(ran.returncode, ran.stdout + ran.stderr)


@dataclass
class FakeTimers:
    """Timers that never run."""

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refuses: bool = False

    def set(self, name: str, seconds: int, *words: str) -> Result:
        if self.refuses or name in self.known:
            return Result(1, b"Unit was already loaded\n")
        self.known[name] = words
        return Result(0, b"")

    def remove(self, name: str) -> None:
        self.known.pop(name, None)

    def exists(self, name: str) -> bool:
        return name in self.known


@dataclass(frozen=True)
class Site:
    """The host, its Docker, its timers."""

    host: Host
    docker: Application
    timers: FakeTimers

    @property
    def root(self) -> Path:
        return self.host.config.root_directory

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def directory(self) -> Path:
        return self.host.config.backups

    def during(self, act: Callable[[], object]) -> None:
        """What the application does between the first reading and the pause, once."""

        def once() -> None:
            self.docker.during = nothing
            act()

        self.docker.during = once

    def backup(self) -> Path:
        """Make one; nothing else is left."""
        make.make(self.host)
        assert self.left_over == []
        return existing.complete(self.host.config)[-1]

    def refused(self) -> str:
        """The message of a backup that fails; it leaves nothing, and nobody paused."""
        before = existing.backups(self.host.config)
        with pytest.raises(Failure) as failure:
            make.make(self.host)
        assert (self.left_over, existing.backups(self.host.config)) == ([], before)
        return str(failure.value)

    @property
    def left_over(self) -> list[str]:
        """What a backup must not leave."""
        hidden = [path.name for path in self.directory.glob(".*")] if self.directory.is_dir() else []
        staged = [str(path) for path in self.host.config.state.glob("staged*")]
        paused = [name for name, state in self.docker.states.items() if state == "paused"]
        return [*hidden, *staged, *paused, *self.timers.known]

    def unpacked(self, backup: Path, to: Path) -> Path:
        """Data and logs of a backup, by nothing but tar and zstd, with what a restore removes removed."""
        to.mkdir()
        archive = backup / f"{backup.name}_volumes.tar.zst"
        words = ["tar", "-C", str(to), "--zstd", "--xattrs", "--xattrs-include=*", "-xpf", str(archive)]
        subprocess.run(words, check=True, capture_output=True)
        return to

    def listed(self, backup: Path) -> dict[str, dict[str, object]]:
        """What the backup lists, by path."""
        words = ["zstd", "-dc", str(backup / f"{backup.name}_files.jsonl.zst")]
        lines = subprocess.run(words, check=True, capture_output=True).stdout.splitlines()
        entries = [json.loads(line) for line in lines]
        found = {str(entry["path"]): entry for entry in entries}
        assert len(found) == len(entries)
        return found

    def manifest(self, backup: Path) -> dict[str, object]:
        return dict(existing.manifest(backup))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """As a provisioned host, with some files, the older ones of long ago."""
    if not IS_ROOT or shutil.which("zstd") is None:
        pytest.skip("the files are root's, as on a host, and zstd is needed")
    made = config(tmp_path / "root")
    made = replace(made, backup=replace(made.backup, directory=str(tmp_path / "backups")))
    monkeypatch.setattr(settled, "CERTBOT", tmp_path / "etc")
    docker, timers = Application(), FakeTimers()
    opened = Site(Host(made, docker, timers), docker, timers)
    _fill(opened)
    return opened


def _fill(site: Site) -> None:
    texts = {
        "data/records.jsonl": "one\n",
        "data/kept/still.txt": "as it was\n",
        "logs/api.log": "a line\n",
        ".env": "API_SECRET_KEY=hidden\n",
        "docker-compose.yml": "services: {}\n",
        "nginx/nginx.conf": "events {}\n",
        f"nginx/conf.d/{site.host.config.name}.conf": "server {}\n",
        "nginx/ssl/privkey.pem": "key\n",
        ".deployer/releases.jsonl": '{"id": "r1", "commit": "abc", "result": "deployed"}\n',
    }
    for name, text in texts.items():
        path = site.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in (site.data / "kept" / "still.txt", site.data / "kept"):
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
