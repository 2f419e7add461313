"""Several tasks at once, with one limit for all of them."""

import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def in_parallel(tasks: Mapping[Key, Callable[[], Value]], limit: float, *, at_once: int = 16) -> dict[Key, Value]:
    """The answers of all tasks that ended within `limit` seconds, in the order of the tasks.

    A task that is late is left to its own limit in a daemon thread and has no entry. An exception of a
    task is a mistake in the program: it is raised here again.
    """
    waiting: queue.SimpleQueue[tuple[Key, Callable[[], Value]]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Key, Value | None, BaseException | None]] = queue.SimpleQueue()
    for item in tasks.items():
        waiting.put(item)
    for _ in range(min(at_once, len(tasks))):
        threading.Thread(target=_work, args=(waiting, done), daemon=True).start()
    answers = _collect(done, len(tasks), time.monotonic() + limit)
    return {key: answers[key] for key in tasks if key in answers}


def _work(
    waiting: "queue.SimpleQueue[tuple[Key, Callable[[], Value]]]",
    done: "queue.SimpleQueue[tuple[Key, Value | None, BaseException | None]]",
) -> None:
    while True:
        try:
            key, task = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            done.put((key, task(), None))
        except BaseException as error:  # handed to the caller's thread
            done.put((key, None, error))


def _collect(
    done: "queue.SimpleQueue[tuple[Key, Value | None, BaseException | None]]", count: int, deadline: float
) -> dict[Key, Value]:
    answers: dict[Key, Value] = {}
    while len(answers) < count:
        try:
            key, value, error = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if error is not None:
            raise error
        answers[key] = value  # type: ignore[assignment]  # None only together with an error
    return answers
