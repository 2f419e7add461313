"""A Docker that keeps containers, each with an address of its own on loopback where a real HTTP server answers.

No proxy runs: what visitors would get is what the upstream file names.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO

from deployer.remote.process import OnOutput, Result, TimedOut

PORT = 20_000 + os.getpid() % 12_000
"""Another one in each process of the tests: all have the same loopback, and ports from 32768 on are the kernel's."""

STATUS = {"start": "running", "stop": "exited", "rm": "gone", "pause": "paused", "unpause": "running"}
"""Docker's, after each action."""


@dataclass
class Container:
    """`status` is Docker's; `answers` is the status of its answer to every request, 0 for none at all."""

    name: str
    service: str
    image: str
    address: str
    answers: int
    status: str = "created"
    restarts: int = 0


@dataclass
class Site:
    """The containers by their names; `behaviour` is what a new container of an image answers (200 without one)."""

    project: str
    behaviour: dict[str, int] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    """By the service, the image that its next container is made of: `docker tag … :current` sets it."""
    calls: list[tuple[str, ...]] = field(default_factory=list)
    fails: tuple[str, ...] = ()
    user: str = "0:0"
    """Of every image, as its configuration has it."""
    ends: set[str] = field(default_factory=set)
    """Images whose containers end while they settle."""
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(2, 250)))
    listing: str = ""
    """The names of images."""
    pages: bytes = b""
    """The tar stream of the wallet's files."""
    servers: list[ThreadingHTTPServer] = field(default_factory=list)

    def __call__(
        self,
        *words: str,
        limit: float = 60,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        self.calls.append(words)
        if any(" ".join(words).startswith(beginning) for beginning in self.fails):
            return Result(1, b"docker failed")
        if words[0] == "cp" and into:
            into.write(self.pages)
        return Result(0, self._answer(words, limit).encode())

    def _answer(self, words: tuple[str, ...], limit: float) -> str:
        answers: dict[str, Callable[[], str]] = {
            "ps": lambda: "".join(f"{each.name}\n" for each in self._listed(words)),
            "compose": lambda: self._create(words[-1]),
            "inspect": lambda: json.dumps(
                {} if words[1] == "--format" else [self._inspected(self.containers[words[1]])]
            ),
            "wait": lambda: self._wait(words[1:], limit),
            "create": lambda: f"warning: something\n{'0' * 64}\n",
            "image": lambda: self._image(words),
            "tag": lambda: self._tag(*words[1:]),
        }
        for action in ("start", "stop", "rm", "pause", "unpause"):
            answers[action] = lambda: self._each(words[0], [name for name in words if name in self.containers])
        return answers.get(words[0], str)()

    def _image(self, words: tuple[str, ...]) -> str:
        if words[1] == "ls":
            return self.listing
        return self.user if "--format={{.Config.User}}" in words else f"sha256:{words[-1]}"

    def _tag(self, image: str, current: str) -> str:
        self.images[current.partition(":")[0].rpartition("-")[2]] = image
        return ""

    def _listed(self, options: Sequence[str]) -> list[Container]:
        wanted = dict(each.removeprefix("--filter=").rpartition("=")[::2] for each in options if "--filter" in each)
        service, status = wanted.get("label=com.docker.compose.service", ""), wanted.get("status", "")
        found = (each for each in self.containers.values() if each.service == service)
        return [each for each in found if status in ("", each.status)]

    def _create(self, service: str) -> str:
        """As many as the replicas of the release: one is enough for these tests."""
        number = next(self.numbers)
        kind = {"backend-api": "backend", "demo-wallet": "wallet"}[service]
        self.add(service, self.images[kind], number)
        return ""

    def add(self, service: str, image: str, number: int, status: str = "created") -> Container:
        made = Container(
            f"{self.project}-{service}-{number}",
            service,
            image,
            f"127.0.1.{number}",
            self.behaviour.get(image, 200),
        )
        self.containers[made.name] = made
        if status == "running":
            self._each("start", [made.name])
        return made

    def _each(self, action: str, names: Sequence[str]) -> str:
        for name in names:
            found = self.containers[name]
            found.status = STATUS[action]
            if action == "start":
                self._serve(found)
            elif action == "rm":
                del self.containers[name]
        return ""

    def _serve(self, container: Container) -> None:
        if not container.answers or any(server.server_address[0] == container.address for server in self.servers):
            return
        server = ThreadingHTTPServer((container.address, PORT), _handler(container))
        self.servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def _inspected(self, container: Container) -> dict[str, object]:
        return {
            "RestartCount": container.restarts,
            "State": {"Status": container.status, "Pid": os.getpid()},
            "NetworkSettings": {"Networks": {"net": {"IPAddress": container.address}}},
        }

    def _wait(self, names: Sequence[str], limit: float) -> str:
        """It ends when one of them does."""
        for name in names:
            if self.containers[name].image in self.ends:
                self.containers[name].status = "exited"
                return "1"
        raise TimedOut("docker did not end")

    def running(self, service: str) -> list[str]:
        return [each.name for each in self.containers.values() if (each.service, each.status) == (service, "running")]


def _handler(container: Container) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(container.answers)
            if container.answers in (301, 307):
                self.send_header("Location", "/ready/")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    return Handler


@contextmanager
def site(project: str) -> Iterator[Site]:
    """Its servers end with the context."""
    made = Site(project)
    try:
        yield made
    finally:
        for server in made.servers:
            server.shutdown()
            server.server_close()
