"""Docker's API over its socket, for questions: each has a limit of time and of size, and is asked only once.

Requests are those of HTTP/1.0, so that an answer ends with its connection and is not sent in pieces.
"""

import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

from deployer.remote.failure import Failure

Object = dict[str, object]

SOCKET = "/run/docker.sock"
HOST, SCHEME = "DOCKER_HOST", "unix://"
"""The variable by which Docker's own client is given another socket."""
DATA = Path("/var/lib/docker/network")
NEWEST = (1, 45)
"""The newest version of the API that is asked for, Docker 26's: what later ones changed does not matter here."""
SECONDS = 20.0
LARGEST = 32 << 20
"""Bytes of an answer."""
PIECE = 1 << 16
OK, NOT_FOUND = 200, 404
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*")
"""Names and ids, which are a part of a path as they are."""


class DockerApi:
    """The daemon of this host. Every method raises Failure where it does not answer, or refuses."""

    def __init__(self, path: str = "") -> None:
        self.path = path or os.environ.get(HOST, "").removeprefix(SCHEME) or SOCKET
        self._known: dict[str, object] = {}
        self._silence = ""
        self._version = ""

    @property
    def was_never_installed(self) -> bool:
        """Where Docker was, its silence proves nothing; where it never was, there is certainly nothing of it."""
        return not shutil.which("docker") and not DATA.exists() and not Path(self.path).exists()

    def version(self) -> Object:
        """Of the daemon and of its API."""
        return cast("Object", self._once("/version"))

    def containers(self) -> list[Object]:
        """All of them in short form: Id, Names, Labels, State, Ports."""
        return cast("list[Object]", self._get("/containers/json?all=1"))

    def of_project(self, project: str) -> list[Object]:
        """Those that Compose made for a project, in short form."""
        return [item for item in self.containers() if label(item, "com.docker.compose.project") == project]

    def container(self, identifier: str) -> Object | None:
        """All that Docker knows of a container; None where it is gone."""
        return self._find("containers", identifier, "/json")

    def image(self, name: str) -> Object | None:
        """All that Docker knows of an image, by its name or id; None where there is none."""
        return self._find("images", name, "/json")

    def images(self) -> list[Object]:
        """All of them in short form: Id, RepoTags."""
        return cast("list[Object]", self._get("/images/json"))

    def network(self, name: str) -> Object | None:
        """A network by its name; None where there is none."""
        return self._find("networks", name)

    def _find(self, kind: str, name: str, rest: str = "") -> Object | None:
        if not NAME.fullmatch(name):
            raise Failure(f"{name!r} is no name of Docker's {kind}")
        return cast("Object | None", self._get(f"/{kind}/{name}{rest}", or_none=True))

    def _get(self, path: str, *, or_none: bool = False) -> object:
        """The JSON of a path, in the newest version of the API that both sides know; None where it is not found."""
        if not self._version:
            daemon = self.version()
            known = min(NEWEST, _numbers(daemon.get("ApiVersion")))
            self._version = ".".join(map(str, max(known, _numbers(daemon.get("MinAPIVersion")))))
        return self._once(f"/v{self._version}{path}", or_none=or_none)

    def _once(self, path: str, *, or_none: bool = False) -> object:
        if path not in self._known:
            self._known[path] = self._asked(path, or_none=or_none)
        return self._known[path]

    def _asked(self, path: str, *, or_none: bool) -> object:
        head, _, body = self._reply(path).partition(b"\r\n\r\n")
        status, found = _status(head), _parsed(body)
        if or_none and status == NOT_FOUND:
            return None
        if status != OK or found is None:
            words = cast("Object", found).get("message") if isinstance(found, dict) else ""
            raise Failure(f"Docker refused {path}: {words or f'status {status}'}")
        return found

    def _reply(self, path: str) -> bytes:
        """Raises Failure; once the daemon was silent it is not waited for again."""
        if self._silence:
            raise Failure(self._silence)
        try:
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
                connection.settimeout(SECONDS)
                connection.connect(self.path)
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
                return b"".join(_pieces(connection))
        except OSError as error:
            why = error.strerror or f"no answer within {SECONDS:.0f} s"
            self._silence = f"Cannot connect to the Docker daemon at {SCHEME}{self.path} ({why})"
            raise Failure(self._silence) from error


def label(item: Object, name: str) -> str:
    """A label of a container in short form; empty where it has none of this name."""
    return (cast("dict[str, str] | None", item.get("Labels")) or {}).get(name, "")


def _pieces(connection: socket.socket) -> Iterator[bytes]:
    """To the end of the connection. Raises Failure where that is too long, TimeoutError where it is too slow."""
    deadline, size = time.monotonic() + SECONDS, 0
    while piece := connection.recv(PIECE):
        size += len(piece)
        if size > LARGEST:
            raise Failure(f"Docker's answer is longer than {LARGEST} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield piece


def _status(head: bytes) -> int:
    words = head.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _parsed(body: bytes) -> object:
    """None for what is not JSON: an answer that was cut off, too."""
    try:
        return cast("object", json.loads(body))
    except ValueError:
        return None


def _numbers(version: object) -> tuple[int, ...]:
    """Empty for what is no version, which is below all others."""
    parts = str(version).split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()
