"""A host with one backup, and a Docker that pretends to run the copy: the application in it is a real HTTP server."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

import pytest

from deployer.backups.drill import Drill, compose_file, last
from deployer.remote.backup import existing, make
from deployer.remote.config import Postgres
from deployer.remote.docker import BACKEND
from deployer.remote.drill import verbs
from deployer.remote.drill.copy import TEMPLATE
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import OnOutput, Result
from tests.support.fakes import inventory
from tests.unit.remote.backup.conftest import FakeTimers

IMAGE = "t-backend:abc-1"
SECRET = "s3cret-of-the-application-4711"
RELEASE = {"id": "r1", "commit": "abc", "result": "deployed", "tags": {BACKEND: IMAGE, "demo-wallet": "w:1"}}
CHECK = ["grep", "-c", "one", "a"]


@dataclass
class Copied:
    """Docker: `containers` of the copy with their services; commands in it run in the unpacked data/, as if mounted."""

    containers: dict[str, str] = field(default_factory=dict)
    networks: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=lambda: [IMAGE])
    foreign: str = ""
    fails: tuple[str, ...] = ()
    ended: bool = False
    rows: str = "{}"
    restored: bytes = b""
    tree: Path = Path()
    composed: str = ""
    calls: list[str] = field(default_factory=list)

    def __call__(
        self,
        *words: str,
        limit: float = 0,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        self.calls.append(" ".join(words))
        if any(self.calls[-1].startswith(beginning) for beginning in self.fails):
            return Result(1, f"no: {SECRET}\n".encode())
        answers: dict[str, Callable[[], Result]] = {
            "ps": lambda: _printed(self._listed(words)),
            "network": lambda: self._network(words),
            "rm": self._remove,
            "image": lambda: Result(0 if words[-1] in self.images else 1, b""),
            "compose": lambda: self._start(words),
            "inspect": lambda: _printed([json.dumps([self._inspected()])]),
            "logs": lambda: _printed([f"my key is {SECRET}"]),
            "exec": lambda: self._run(words, stdin),
        }
        return answers.get(words[0], lambda: Result(0, b""))()

    def _listed(self, words: tuple[str, ...]) -> list[str]:
        filters = " ".join(words)
        if "com.docker.compose.project=" in filters:
            return [self.foreign] if "-drill" in filters and self.foreign else []
        return [name for name, each in self.containers.items() if "service=" not in filters or each in filters]

    def _network(self, words: tuple[str, ...]) -> Result:
        if words[1] == "ls":
            return _printed(self.networks)
        self.networks.clear()
        return Result(0, b"")

    def _remove(self) -> Result:
        self.containers.clear()
        return Result(0, b"")

    def _start(self, words: tuple[str, ...]) -> Result:
        self.tree, self.composed = Path(words[2]), Path(words[4]).read_text()
        self.containers[f"copy-{words[-1]}"] = words[-1]
        self.networks.append("net")
        return Result(0, b"")

    def _inspected(self) -> dict[str, object]:
        state = {"Status": "exited" if self.ended else "running", "Pid": os.getpid()}
        networks = {"Networks": {"net": {"IPAddress": "127.0.0.1"}}}
        return {"RestartCount": 0, "State": state, "NetworkSettings": networks}

    def _run(self, words: tuple[str, ...], stdin: bytes | IO[bytes]) -> Result:
        if "pg_restore" in words:
            self.restored = stdin.read() if not isinstance(stdin, bytes) else stdin
            return Result(0, b"")
        if "psql" in words:
            return _printed([self.rows])
        if "pg_isready" in words:
            return Result(0, b"")
        ran = subprocess.run(words[2:], cwd=self.tree / "data", capture_output=True, check=False)
        return Result(ran.returncode, ran.stdout, ran.stderr)

    @property
    def started(self) -> list[str]:
        return [call.split()[-1] for call in self.calls if call.startswith("compose ")]


def _printed(lines: list[str]) -> Result:
    return Result(0, "".join(f"{line}\n" for line in lines).encode())


@dataclass
class Drilled:
    """The host on which drills are run."""

    host: Host
    docker: Copied

    @property
    def root(self) -> Path:
        return self.host.config.root_directory

    @property
    def backups(self) -> list[Path]:
        return list(existing.complete(self.host.config))

    def backup(self) -> Path:
        make.make(self.host)
        return self.backups[-1]

    def drill(self, backup: str = "", check: list[str] = CHECK, database: str = "") -> Failure | None:
        """Run one; how it failed."""
        drill = replace(self.host.config.drill, check=check)
        settings = replace(self.host.config, drill=drill, postgres=Postgres(database, "ada"))
        try:
            verbs.drill(replace(self.host, config=settings), (backup,) if backup else ())
        except Failure as failure:
            return failure
        return None

    def fails(self, check: list[str] = CHECK, database: str = "") -> str:
        """The reason: in the message, and in the evidence; whatever it is, nothing is left."""
        failure, evidence = self.drill(check=check, database=database), self.evidence
        assert (evidence.result, self.left) == ("failed", [])
        assert str(failure) == f"drill of {evidence.backup or 'a backup'} failed: {evidence.why}"
        return evidence.why

    @property
    def evidence(self) -> Drill:
        found = last(verbs.log(self.host).read_text())
        assert found
        return found

    @property
    def left(self) -> list[str]:
        files = [str(path) for path in (self.root / ".deployer").glob("drill/*")]
        return [*files, *self.docker.containers, *self.docker.networks]


class Healthy(BaseHTTPRequestHandler):
    """An application that is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def drilled(host: Host, port: int, monkeypatch: pytest.MonkeyPatch) -> Drilled:
    """With a backup of five files."""
    if shutil.which("zstd") is None:
        pytest.skip("zstd is needed")
    monkeypatch.setattr(os, "nice", lambda increment: 0)
    docker = Copied()
    drill = replace(host.config.drill, port=port)
    release = replace(host.config.release, healthy_within=2)
    made = Drilled(Host(replace(host.config, drill=drill, release=release), docker, FakeTimers()), docker)
    for name, text in (("data/a", "one\n"), ("logs/x.log", "x"), ("nginx/nginx.conf", "y"), ("nginx/ssl/k.pem", "z")):
        (made.root / name).parent.mkdir(parents=True, exist_ok=True)
        (made.root / name).write_text(text)
    (made.root / "data" / "a name\nof two lines").write_text("two")
    (made.root / ".env").write_text(f"API_SECRET_KEY={SECRET}\nDOMAIN='example.com'\n")
    (made.root / ".deployer" / "releases.jsonl").write_text(json.dumps(RELEASE) + "\n")
    (made.root / ".deployer" / TEMPLATE).write_text(compose_file(inventory()))
    made.backup()
    return made
