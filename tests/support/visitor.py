"""A visitor: requests to a host by name, with the certificate checked against one authority and nothing else."""

import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Seen:
    """One answer; the headers as pairs, so that a doubled one is seen."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Visitor:
    """Reaches one address under any name."""

    address: str
    trusted: Path

    def ask(
        self,
        name: str,
        path: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        https: bool = True,
    ) -> Seen:
        connection = self._connection(name, https)
        try:
            connection.request(method, path, body=body, headers={"Host": name, **(headers or {})})
            answer = connection.getresponse()
            return Seen(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def asks_again(self, name: str, path: str) -> Iterator[int]:
        """The status of the same request on one connection, again and again until the server closes it properly."""
        connection = self._connection(name, https=True)
        try:
            while True:
                connection.request("GET", path, headers={"Host": name})
                answer = connection.getresponse()
                answer.read()
                yield answer.status
                if answer.will_close or connection.sock is None:
                    return
        finally:
            connection.close()

    def _connection(self, name: str, https: bool) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address, 443 if https else 80, timeout=20)
        if https:
            context = ssl.create_default_context(cafile=str(self.trusted))
            plain = socket.create_connection((self.address, 443), timeout=20)
            connection.sock = context.wrap_socket(plain, server_hostname=name)
        return connection
