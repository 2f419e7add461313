"""Connections to one address under any name, with the certificate checked."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.support.traffic.messages import Answer, Request, read_answer


class Connection:
    """One TLS connection; a request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def closed(self) -> bool:
        """Whether the server has closed it, as far as is known here: asked before a request, never after."""
        return self.reader.at_eof() or self.reader.exception() is not None or self.writer.is_closing()

    async def ask(self, request: Request) -> Answer:
        self.writer.write(request.data)
        return await read_answer(self.reader)

    def close(self) -> None:
        self.writer.close()


@dataclass(frozen=True)
class Door:
    """Where the site is reached, whatever name servers say."""

    address: str
    context: ssl.SSLContext

    async def open(self, site: str) -> Connection:
        return Connection(
            *await asyncio.open_connection(self.address, 443, ssl=self.context, server_hostname=site),
        )


def door(address: str, certificates: Path) -> Door:
    """Given an address and the only certificates to be trusted."""
    return Door(address, ssl.create_default_context(cafile=str(certificates)))
