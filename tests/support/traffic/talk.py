"""The WebSocket: a message each half second, its echo checked; a new one when the server closed it in order."""

import asyncio
import time

from tests.support.traffic.connection import Connection
from tests.support.traffic.frames import CLOSE, PING, PONG, TEXT, packed, read_frame
from tests.support.traffic.judgement import describe
from tests.support.traffic.messages import FIRST_BYTES, Malformed, read_head
from tests.support.traffic.pacing import happened
from tests.support.traffic.quick import AFTER_FAILURE
from tests.support.traffic.stage import LONGEST, NO_ANSWER, Stage

KIND, OPENING = "message", "socket"
APART = 0.5
NORMAL = (1000).to_bytes(2)


class Closed(Exception):
    """The server closed the WebSocket in order: with a close frame, or by ending the stream between two frames."""


async def talk(stage: Stage) -> None:
    """Until the end. A server may close a WebSocket at any time; then another has to be there at once."""
    opened = 0
    while not stage.ended.is_set():
        connection = await _opened(stage)
        if connection is None:
            await happened(stage.ended, AFTER_FAILURE)
            continue
        if opened:
            stage.tally.events["socket reconnected"] += 1
        opened += 1
        try:
            if not await Conversation(stage, connection).held():
                await happened(stage.ended, AFTER_FAILURE)
        finally:
            connection.close()


async def _opened(stage: Stage) -> Connection | None:
    began, wrong, connection = time.monotonic(), "", None
    try:
        async with asyncio.timeout(LONGEST):
            connection = await stage.open(stage.api)
            status = await _upgraded(connection, stage.api)
        stage.tally.statuses[str(status)] += 1
        wrong = "" if status == 101 else f"status {status}"
    except NO_ANSWER as error:
        wrong = describe(error)
    stage.tally.took(OPENING, 1000 * (time.monotonic() - began), quick=False)
    if not wrong:
        return connection
    stage.tally.fail(OPENING, wrong)
    if connection:
        connection.close()
    return None


async def _upgraded(connection: Connection, site: str) -> int:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    connection.writer.write(f"GET /api/ws HTTP/1.1\r\nHost: {site}\r\n{upgrade}\r\n{key}\r\n\r\n".encode())
    status, _ = await read_head(connection.reader)
    return status


class Conversation:
    """One WebSocket that is open."""

    def __init__(self, stage: Stage, connection: Connection) -> None:
        self._stage, self._connection = stage, connection
        self._sent = 0

    async def held(self) -> bool:
        """Speak until the end or until the server closes; False: something failed."""
        echo = asyncio.ensure_future(self._heard())
        waiting = asyncio.ensure_future(self._stage.ended.wait())
        try:
            while not self._stage.ended.is_set():
                await self._say(echo)
                echo = asyncio.ensure_future(self._heard())
                await asyncio.wait({echo, waiting}, timeout=APART, return_when=asyncio.FIRST_COMPLETED)
                if echo.done():
                    raise Malformed(f"unasked: {echo.result()[:FIRST_BYTES]!r}")
            self._connection.writer.write(packed(CLOSE, NORMAL))
        except Closed as closed:
            self._stage.tally.events[f"socket closed by the server with {closed}"] += 1
        except NO_ANSWER as error:
            self._stage.tally.fail(KIND, describe(error))
            return False
        finally:
            echo.cancel()
            waiting.cancel()
        return True

    async def _say(self, echo: "asyncio.Future[bytes]") -> None:
        self._sent += 1
        text = f"{self._stage.run} {self._sent}".encode()
        began = time.monotonic()
        self._connection.writer.write(packed(TEXT, text))
        try:
            async with asyncio.timeout(LONGEST):
                heard = await echo
        except Closed as closed:
            if self._sent == 1:
                raise Malformed(f"closed before the first echo, with {closed}") from None
            self._stage.tally.events["messages without echo when the server closed the socket"] += 1
            raise
        finally:
            self._stage.tally.took(KIND, 1000 * (time.monotonic() - began), quick=False)
        if heard != text:
            raise Malformed(f"another echo: {heard[:FIRST_BYTES]!r}")
        self._stage.start.heard("socket")

    async def _heard(self) -> bytes:
        """The next message; a ping in between is answered."""
        while True:
            frame = await read_frame(self._connection.reader)
            if frame is None:
                raise Closed("the end of the stream")
            if frame.opcode == CLOSE:
                raise Closed(f"code {int.from_bytes(frame.payload[:2])}")
            if frame.opcode == PING:
                self._connection.writer.write(packed(PONG, frame.payload))
            else:
                return frame.payload
