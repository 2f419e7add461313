"""When the traffic may go on, and when it ends."""

import asyncio
import contextlib


async def happened(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event comes within so long."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


class Budget:
    """So many requests in all, so many a second; 0 is no bound."""

    def __init__(self, ended: asyncio.Event, most: int = 0, rate: float = 0.0) -> None:
        self._ended, self._most = ended, most
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0
        self._taken = 0

    async def admit(self) -> bool:
        """Wait for one's turn; False: the traffic has ended meanwhile."""
        if self._most and self._taken >= self._most:
            await self._ended.wait()
        elif self._gap:
            await self._turn()
        if self._ended.is_set():
            return False
        self._taken += 1
        return True

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await happened(self._ended, turn - now)


class Start:
    """Comes when each of so many clients was heard of."""

    def __init__(self, clients: int) -> None:
        self._missing = clients
        self._heard: set[str] = set()
        self.complete = asyncio.Event()

    def heard(self, client: str) -> None:
        self._heard.add(client)
        if len(self._heard) == self._missing:
            self.complete.set()
