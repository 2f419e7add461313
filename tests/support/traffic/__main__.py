"""`python -m tests.support.traffic ADDRESS CERTIFICATES --site NAME --api NAME --keys FILE`, until standard input ends.

Says `started` when every client had its first answer and the slow ones are in flight; at the end prints raw counts.
"""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from tests.support.traffic.connection import door
from tests.support.traffic.counts import Counts
from tests.support.traffic.pacing import Budget, Start, happened
from tests.support.traffic.quick import CLIENTS, visit
from tests.support.traffic.slow import poll, post_slowly
from tests.support.traffic.stage import Stage
from tests.support.traffic.talk import talk
from tests.support.traffic.tally import Tally

START_SECONDS = 60.0
OTHERS = 4
"""Two slow POSTs, the long poll, the WebSocket."""


def main() -> None:
    counts = asyncio.run(_run(_parser().parse_args()))
    print(json.dumps(asdict(counts)), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.support.traffic", description="Traffic until input ends.")
    parser.add_argument("address")
    parser.add_argument("certificates", type=Path, help="what is trusted, and nothing else")
    parser.add_argument("--site", required=True, help="the wallet's name")
    parser.add_argument("--api", required=True, help="the API's name")
    parser.add_argument("--keys", required=True, type=Path, help="where the idempotency keys go")
    parser.add_argument("--most", type=int, default=0, help="requests of the quick clients in all (0: no bound)")
    parser.add_argument("--rate", type=float, default=0.0, help="requests of the quick clients a second (0: no bound)")
    parser.add_argument("--seconds", type=float, default=900.0, help="it ends by then, told or not")
    return parser


async def _run(arguments: argparse.Namespace) -> Counts:
    ended, told = asyncio.Event(), asyncio.Event()
    stage = Stage(
        door(arguments.address, arguments.certificates),
        arguments.site,
        arguments.api,
        Tally(),
        Budget(ended, arguments.most, arguments.rate),
        Start(CLIENTS + OTHERS),
        ended,
    )
    _on_end_of_input(told)
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(visit(stage, number))
        for others in (post_slowly, poll, talk):
            group.create_task(others(stage))
        announcing = group.create_task(_announce(stage, told))
        in_time = await happened(told, arguments.seconds)
        ended.set()
        stage.tally.end()
        announcing.cancel()
    return stage.tally.counts(arguments.keys, timed_out=not in_time)


async def _announce(stage: Stage, told: asyncio.Event) -> None:
    """A site that does not answer everybody is given up: then the counts come, and no start before them."""
    if await happened(stage.start.complete, START_SECONDS):
        print("started", flush=True)
    else:
        told.set()


def _on_end_of_input(told: asyncio.Event) -> None:
    loop, source = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        if not os.read(source, 4096):
            loop.remove_reader(source)
            told.set()

    loop.add_reader(source, readable)


if __name__ == "__main__":
    main()
