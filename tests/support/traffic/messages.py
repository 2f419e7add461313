"""HTTP/1.1 as far as the traffic needs it: a request as bytes, an answer from a stream."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

CLOSE = "Connection: close\r\n"
FIRST_BYTES = 60
"""How much of something unexpected is told."""


class Malformed(Exception):
    """What came is no answer."""


@dataclass(frozen=True)
class Request:
    """One request, ready to be sent."""

    kind: str
    site: str
    data: bytes
    key: str = ""
    """The idempotency key; a GET has none."""


@dataclass(frozen=True)
class Answer:
    status: int
    closes: bool
    """The server says that this was the last answer on the connection."""
    body: bytes


def get(kind: str, site: str, path: str, *, keeps: bool) -> Request:
    return Request(kind, site, _head("GET", site, path, keeps) + b"\r\n")


def post(kind: str, site: str, path: str, body: bytes, *, key: str, keeps: bool) -> Request:
    """A POST that can be told from every other by its key."""
    own = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n\r\n"
    return Request(kind, site, _head("POST", site, path, keeps) + own.encode() + body, key)


def _head(method: str, site: str, path: str, keeps: bool) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {site}\r\n{'' if keeps else CLOSE}".encode()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The next answer, whole; a connection that ends too early raises asyncio.IncompleteReadError."""
    status, headers = await read_head(reader)
    closes = headers.get(b"connection", b"").lower() == b"close"
    if b"content-length" in headers:
        return Answer(status, closes, await reader.readexactly(int(headers[b"content-length"])))
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return Answer(status, closes, await _chunks(reader))
    return Answer(status, True, await reader.read())


async def read_head(reader: asyncio.StreamReader) -> tuple[int, Mapping[bytes, bytes]]:
    """Status and headers, their names in lower case."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    version, _, rest = first.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise Malformed(f"no status line: {first[:FIRST_BYTES]!r}")
    pairs = (line.partition(b":") for line in lines)
    return int(status), {name.lower(): value.strip() for name, _, value in pairs}


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).strip(), 16)
        chunk = await reader.readexactly(size + 2)
        if size == 0:
            return body
        body += chunk[:-2]
