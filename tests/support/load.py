"""Visitors, as a process of their own: `python -m tests.support.load ADDRESS CERTIFICATES NAME/PATH…` until input ends.

Half of them keep their connection, half make one for each request; both kinds go to every target. Prints raw counts
as JSON.
"""

import http.client
import json
import sys
import threading
from pathlib import Path

from tests.support.visitor import Visitor

VISITORS = 8
MOST = 20_000
"""Requests in all, whatever happens."""
PAUSE = 0.13
"""Seconds between two requests of one visitor: some 60 a second of all, so that what is tested has the processor."""


class Counts:
    """What became of every request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answers: dict[str, int] = {}

    def add(self, what: str) -> int:
        with self._lock:
            self.answers[what] = self.answers.get(what, 0) + 1
            return sum(self.answers.values())


def main() -> None:
    address, trusted, *targets = sys.argv[1:]
    visitor, counts, ended = Visitor(address, Path(trusted)), Counts(), threading.Event()
    threads = [
        threading.Thread(target=_visit, args=(visitor, targets[number % len(targets)], counts, ended, number % 4 < 2))
        for number in range(VISITORS)
    ]
    for thread in threads:
        thread.start()
    print("started", flush=True)
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join(30)
    print(json.dumps(counts.answers), flush=True)


def _visit(visitor: Visitor, target: str, counts: Counts, ended: threading.Event, keeps: bool) -> None:
    name, _, path = target.partition("/")
    while not ended.is_set():
        try:
            ask = visitor.asks_again(name, f"/{path}") if keeps else iter([visitor.ask(name, f"/{path}").status])
            for status in ask:
                if counts.add(str(status)) >= MOST:
                    ended.set()
                if ended.wait(PAUSE):
                    break
        except (OSError, http.client.HTTPException) as error:
            if counts.add(type(error).__name__) >= MOST:
                ended.set()
            ended.wait(PAUSE)


if __name__ == "__main__":
    main()
