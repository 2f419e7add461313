"""An application for the proxy's tests: it says what it was asked, counts, drops connections and upgrades them.

It runs in a container, with Python alone: `python3 echo.py PORT NAME`.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OWN_HEADERS = {
    "Strict-Transport-Security": "max-age=1",
    "Content-Security-Policy": "default-src *",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "sniff",
    "Referrer-Policy": "unsafe-url",
    "X-XSS-Protection": "1; mode=block",
    "X-Powered-By": "echo",
    "X-Cache-Status": "made up",
}


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    counts: dict[str, int] = {}  # noqa: RUF012  for all connections, guarded by `lock`
    lock = threading.Lock()
    name = "echo"

    def do_GET(self) -> None:
        count = self._count()
        path = self.path.partition("?")[0]
        if path == "/socket":
            self._upgrade()
        elif path == "/dropped":
            self._answer(200, {"name": self.name, "dropped": self.counts.get("/drop", 0)})
        elif path in ("/missing", "/busy", "/limited", "/broken"):
            self._answer({"/missing": 404, "/busy": 503, "/limited": 429, "/broken": 500}[path], {"own": path})
        else:
            headers = [[key, value] for key, value in self.headers.items()]
            self._answer(200, {"name": self.name, "headers": headers, "count": count, "port": self.client_address[1]})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        """Count; /drop closes the connection without an answer."""
        count = self._count()
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/drop":
            self.close_connection = True
        else:
            self._answer(200, {"count": count, "port": self.client_address[1]})

    def _count(self) -> int:
        with self.lock:
            self.counts[self.path] = self.counts.get(self.path, 0) + 1
            return self.counts[self.path]

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for key, text in OWN_HEADERS.items():
            self.send_header(key, text)
        if self.path == "/busy":
            self.send_header("Retry-After", "30")
        if self.path.startswith("/api/cookie"):
            self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _upgrade(self) -> None:
        """Say `switching` where both headers arrived, and send back what comes."""
        wanted = self.headers.get("Upgrade") == "websocket" and self.headers.get("Connection") == "upgrade"
        if not wanted:
            self._answer(400, {"headers": list(self.headers.items())})
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "upgrade")
        self.end_headers()
        self.wfile.flush()
        self.connection.sendall(self.connection.recv(1024))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    Echo.name = sys.argv[2]
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Echo).serve_forever()
