"""Requests that take seconds, so that some are in flight at whatever moment a release is switched."""

import asyncio

from tests.support.traffic.messages import get, post
from tests.support.traffic.pacing import happened
from tests.support.traffic.quick import AFTER_FAILURE
from tests.support.traffic.stage import Stage

APART = 2.0
SECONDS = 5
"""Longer than twice APART: two at least are always in flight."""
POLL_SECONDS = 10


async def post_slowly(stage: Stage) -> None:
    """A slow POST every two seconds, until the end; those in flight then are awaited."""
    number = 0
    async with asyncio.TaskGroup() as group:
        while not stage.ended.is_set():
            path = f"/api/slow?seconds={SECONDS}"
            request = post("slow record", stage.api, path, b"", key=stage.new_key(), keeps=False)
            group.create_task(stage.attempt(request, stage.alone(request)))
            stage.start.heard(f"slow {min(number, 1)}")
            number += 1
            await happened(stage.ended, APART)


async def poll(stage: Stage) -> None:
    """A long poll after the other, until the end; the last is awaited."""
    request = get("poll", stage.api, f"/api/poll?seconds={POLL_SECONDS}", keeps=False)
    stage.start.heard("poll")
    while not stage.ended.is_set():
        if not await stage.attempt(request, stage.alone(request)):
            await happened(stage.ended, AFTER_FAILURE)
