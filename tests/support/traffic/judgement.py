"""Whether an answer is the one that its request asked for. Pure."""

import json
from dataclasses import dataclass

from tests.support.traffic.messages import FIRST_BYTES, Answer, Request


@dataclass(frozen=True)
class Judgement:
    """`wrong` is empty for a good answer; version and container are what it says of its origin."""

    wrong: str = ""
    version: str = ""
    container: str = ""


def judge(request: Request, answer: Answer) -> Judgement:
    """Any status but 200 is wrong; a record must have run once, under its own key."""
    begins = answer.body[:FIRST_BYTES]
    if answer.status != 200:
        return Judgement(f"status {answer.status}: {begins!r}")
    if not answer.body:
        return Judgement("an empty body")
    if request.key:
        return _record(request, answer.body)
    if request.kind.startswith("instance"):
        return _instance(answer.body)
    return Judgement()


def _record(request: Request, body: bytes) -> Judgement:
    told = _object(body)
    if told.get("key") == request.key and told.get("runs") == 1:
        return Judgement()
    return Judgement(f"not one run under its own key: {body[: 4 * FIRST_BYTES]!r}")


def _instance(body: bytes) -> Judgement:
    told = _object(body)
    version, container = str(told.get("version", "")), str(told.get("container", ""))
    if version and container:
        return Judgement("", version, container)
    return Judgement(f"neither release nor container: {body[:FIRST_BYTES]!r}")


def _object(body: bytes) -> dict[str, object]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def describe(error: BaseException) -> str:
    """What is told of a request that got no answer."""
    if isinstance(error, EOFError):
        partial: bytes = getattr(error, "partial", b"")
        return f"the connection ended after {len(partial)} bytes of what was awaited: {partial[:FIRST_BYTES]!r}"
    return f"{type(error).__name__}: {error}".removesuffix(": ")
