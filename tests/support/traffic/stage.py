"""What all clients share: where the site is, the tally, the end; and the one way to make a request."""

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field

from tests.support.traffic.connection import Connection, Door
from tests.support.traffic.judgement import describe, judge
from tests.support.traffic.messages import Answer, Malformed, Request
from tests.support.traffic.pacing import Budget, Start
from tests.support.traffic.tally import Tally

LONGEST = 30.0
"""Seconds after which a request has failed."""

NO_ANSWER = (OSError, EOFError, Malformed, ValueError, asyncio.LimitOverrunError)
"""How a request ends without an answer; asyncio.IncompleteReadError is an EOFError."""


@dataclass(frozen=True)
class Stage:
    """One run of the traffic."""

    door: Door
    site: str
    api: str
    tally: Tally
    budget: Budget
    start: Start
    ended: asyncio.Event
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """What makes the keys of this run others than those of any other."""
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_key(self) -> str:
        return f"{self.run}-{next(self.serial)}"

    async def attempt(self, request: Request, exchange: Awaitable[Answer], *, quick: bool = False) -> bool:
        """Make this request in this way, count what becomes of it, and say whether it was answered as it should."""
        began, answer, wrong = time.monotonic(), None, ""
        try:
            async with asyncio.timeout(LONGEST):
                answer = await exchange
        except NO_ANSWER as error:
            wrong = describe(error)
        self.tally.took(request.kind, 1000 * (time.monotonic() - began), quick=quick)
        if answer is not None:
            wrong = self._judged(request, answer)
        if wrong:
            self.tally.fail(request.kind, wrong)
        return not wrong

    def _judged(self, request: Request, answer: Answer) -> str:
        self.tally.statuses[str(answer.status)] += 1
        judgement = judge(request, answer)
        if request.key:
            self.tally.keys[request.key] = answer.status
        if judgement.version:
            self.tally.saw(judgement.version, judgement.container)
        return judgement.wrong

    async def open(self, site: str) -> Connection:
        connection = await self.door.open(site)
        self.tally.events["connections opened"] += 1
        return connection

    async def ask(self, connection: Connection, request: Request) -> Answer:
        """Send it; from now on its key may have run."""
        if request.key:
            self.tally.keys[request.key] = 0
        return await connection.ask(request)

    async def alone(self, request: Request) -> Answer:
        """An exchange on a connection of its own."""
        connection = await self.open(request.site)
        try:
            return await self.ask(connection, request)
        finally:
            connection.close()
