"""The sixteen quick clients: one request after the other, half of them on connections that they keep."""

import itertools
from collections.abc import Callable, Iterator

from tests.support.traffic.connection import Connection
from tests.support.traffic.messages import Answer, Request, get, post
from tests.support.traffic.pacing import happened
from tests.support.traffic.stage import Stage

CLIENTS = 16
BODY = b'{"value":"' + b"x" * (500 - 12) + b'"}'
AFTER_FAILURE = 0.1
"""Seconds: a site that does not answer is asked again, not stormed."""


def requests(stage: Stage, *, keeps: bool) -> Iterator[Request]:
    """What one client asks, for ever: a third records, a third instances, the rest the wallet."""
    manner = "kept" if keeps else "own"
    site, api = stage.site, stage.api
    page = get(f"page, {manner}", site, "/", keeps=keeps)
    asset = get(f"asset, {manner}", site, "/icon.svg", keeps=keeps)
    instance = get(f"instance, {manner}", api, "/api/instance", keeps=keeps)

    def record() -> Request:
        return post(f"record, {manner}", api, "/api/records", BODY, key=stage.new_key(), keeps=keeps)

    turns: tuple[Callable[[], Request], ...] = (
        *(lambda: page, record, lambda: instance),
        *(lambda: asset, record, lambda: instance),
    )
    return (turn() for turn in itertools.cycle(turns))


async def visit(stage: Stage, number: int) -> None:
    """One client, until the end: an even one keeps its connections."""
    client = Client(stage) if number % 2 == 0 else None
    asked = requests(stage, keeps=client is not None)
    for _ in range(number // 2):
        next(asked)
    while await stage.budget.admit():
        request = next(asked)
        exchange = client.exchange(request) if client else stage.alone(request)
        if await stage.attempt(request, exchange, quick=True):
            stage.start.heard(f"quick {number}")
        else:
            await happened(stage.ended, AFTER_FAILURE)
    if client:
        client.leave()


class Client:
    """Keeps a connection to each site as long as the server does. A request that was sent is never sent again."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._kept: dict[str, Connection] = {}

    async def exchange(self, request: Request) -> Answer:
        connection = self._kept.pop(request.site, None)
        if connection and connection.closed:
            self._stage.tally.events["connections closed while idle"] += 1
            connection.close()
            connection = None
        connection = connection or await self._stage.open(request.site)
        try:
            answer = await self._stage.ask(connection, request)
        except BaseException:
            connection.close()
            raise
        if answer.closes:
            self._stage.tally.events["connections closed with an answer"] += 1
            connection.close()
        else:
            self._kept[request.site] = connection
        return answer

    def leave(self) -> None:
        for connection in self._kept.values():
            connection.close()
