"""The traffic against servers that misbehave: what the server drops is counted, and nothing is asked twice."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.support.traffic.connection import Connection, Door
from tests.support.traffic.messages import get, post
from tests.support.traffic.pacing import Budget, Start
from tests.support.traffic.quick import Client
from tests.support.traffic.stage import Stage
from tests.support.traffic.talk import talk
from tests.support.traffic.tally import Tally

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


@dataclass(frozen=True)
class PlainDoor(Door):
    """Another port, and no TLS."""

    port: int = 0

    async def open(self, site: str) -> Connection:
        return Connection(*await asyncio.open_connection(self.address, self.port))


@dataclass
class Script:
    """For each connection its answers; after the last it is closed. `closed` is set then."""

    connections: list[list[bytes]]
    asked: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in self.connections.pop(0):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            writer.write(answer)
        writer.close()
        self.closed.set()


def on_stage(serve: Serve, act: Callable[[Stage], Awaitable[None]]) -> Tally:
    """Let this happen with a server of this kind; what was counted."""

    async def run() -> Tally:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            ended = asyncio.Event()
            door = PlainDoor("127.0.0.1", ssl.create_default_context(), server.sockets[0].getsockname()[1])
            stage = Stage(door, "site", "api", Tally(), Budget(ended), Start(1), ended)
            await act(stage)
            return stage.tally

    return asyncio.run(run())


def asks(times: int, script: Script) -> Callable[[Stage], Awaitable[None]]:
    async def act(stage: Stage) -> None:
        client = Client(stage)
        for number in range(times):
            if number:
                await script.closed.wait()
                await asyncio.sleep(0.05)  # the end of the connection has to arrive
            request = get("page, kept", "site", "/", keeps=True)
            await stage.attempt(request, client.exchange(request), quick=True)
        client.leave()

    return act


def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    script = Script([[GOOD], [GOOD]])
    tally = on_stage(script.serve, asks(2, script))
    assert (tally.failed, script.asked) == ({}, 2)
    assert tally.events == {"connections opened": 2, "connections closed while idle": 1}


def test_connection_close_is_obeyed() -> None:
    script = Script([[LAST], [LAST]])
    tally = on_stage(script.serve, asks(2, script))
    assert tally.failed == {}
    assert tally.events == {"connections opened": 2, "connections closed with an answer": 2}


def test_a_request_that_meets_a_closing_connection_has_failed() -> None:
    """Closed without one byte of an answer: counted, and not asked again."""
    script = Script([[b""], [GOOD]])
    tally = on_stage(script.serve, asks(1, script))
    assert (tally.failed, script.asked, len(script.connections)) == ({"page, kept": 1}, 1, 1)


def test_a_server_that_is_away_fails_and_nothing_was_sent() -> None:
    async def act(stage: Stage) -> None:
        away = Stage(
            PlainDoor("127.0.0.1", stage.door.context, 1), "", "", stage.tally, stage.budget, stage.start, stage.ended
        )
        request = post("record, own", "api", "/", b"", key="k-1", keeps=False)
        assert not await away.attempt(request, away.alone(request))

    script = Script([])
    tally = on_stage(script.serve, act)
    assert (tally.failed, tally.keys) == ({"record, own": 1}, {})


def test_a_post_without_an_answer_was_sent() -> None:
    async def act(stage: Stage) -> None:
        request = post("record, own", "api", "/", b"", key="k-1", keeps=False)
        assert not await stage.attempt(request, stage.alone(request))

    tally = on_stage(Script([[b"HTTP/1.1 2"]]).serve, act)
    assert (tally.failed, tally.keys) == ({"record, own": 1}, {"k-1": 0})


async def talks(stage: Stage) -> None:
    """Until the socket was opened three times, or opened and refused."""

    async def enough() -> None:
        while stage.tally.events["socket reconnected"] < 2 and not stage.tally.failed:
            await asyncio.sleep(0.01)
        stage.ended.set()

    await asyncio.gather(talk(stage), enough())


def test_a_socket_that_is_closed_in_order_is_opened_anew() -> None:
    """With a close frame at one time, with the end of the stream at another."""
    endings = iter((b"\x88\x02\x03\xf4", b"", b""))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        head = await reader.readexactly(6)
        masked = await reader.readexactly(head[1] & 0x7F)
        text = bytes(byte ^ head[2 + place % 4] for place, byte in enumerate(masked))
        writer.write(bytes((0x81, len(text))) + text + next(endings, b""))
        writer.close()

    tally = on_stage(serve, talks)
    assert tally.failed == {}
    assert tally.events["socket closed by the server with code 1012"] == 1
    assert tally.events["socket reconnected"] >= 2


def test_a_socket_that_is_closed_before_its_first_echo_has_failed() -> None:
    script = Script([[SWITCHED]])
    assert on_stage(script.serve, talks).failed == {"message": 1}


def test_a_socket_that_cannot_be_opened_has_failed() -> None:
    script = Script([[b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]])
    assert on_stage(script.serve, talks).failed == {"socket": 1}
