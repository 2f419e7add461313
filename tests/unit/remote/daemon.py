"""Docker's daemon for the tests of its API: a real server on a socket, which answers what Docker 26 did."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

from tests.unit.remote.inspecting import Report

VERSION = {"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24"}
Answer = tuple[int, bytes]


@dataclass
class Daemon:
    """`answers` are by path, without the version of the API; `asked` are the paths as they came."""

    path: Path
    answers: dict[str, object] = field(default_factory=lambda: {"/version": VERSION})
    asked: list[str] = field(default_factory=list)

    def has(self, report: Report) -> None:
        """Answer as the daemon of which the report is."""
        self.answers["/containers/json?all=1"] = [_short(item) for item in report["containers"]]
        self.answers |= {f"/containers/{item['Id']}/json": item for item in report["containers"]}
        self.answers["/images/json"] = [{key: item[key] for key in ("Id", "RepoTags")} for item in report["images"]]
        self.answers |= {f"/images/{item['Id']}/json": item for item in report["images"]}
        self.answers |= {f"/images/{tag}/json": item for item in report["images"] for tag in item["RepoTags"]}

    def reply(self, path: str) -> Answer:
        self.asked.append(path)
        plain = path if path == "/version" else "/" + path.split("/", 2)[2]
        found = self.answers.get(plain, (404, json.dumps({"message": f"No such thing: {plain}"}).encode()))
        return found if isinstance(found, tuple) else (200, json.dumps(found).encode())


@contextmanager
def serving(path: Path) -> Iterator[Daemon]:
    """A daemon on the socket at this path, which has nothing."""
    daemon = Daemon(path)
    daemon.answers["/containers/json?all=1"] = []
    daemon.answers["/images/json"] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = daemon.reply(self.path)
            self.send_response_only(status)
            self.end_headers()
            self.wfile.write(body)

    with _Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield daemon
        finally:
            server.shutdown()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has gone, on purpose."""


def _short(item: Report) -> dict[str, Any]:
    """A container as the list of all has it."""
    bindings = (item["HostConfig"].get("PortBindings") or {}).items()
    return {
        "Id": item["Id"],
        "Names": [item["Name"]],
        "Labels": item["Config"]["Labels"],
        "State": item["State"]["Status"],
        "Ports": [
            {"IP": bound["HostIp"] or "0.0.0.0", "PrivatePort": int(inner.split("/")[0])}
            | {"PublicPort": int(bound["HostPort"]), "Type": inner.split("/")[1]}
            for inner, hosts in bindings
            for bound in hosts
        ],
    }
