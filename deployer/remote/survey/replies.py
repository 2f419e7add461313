"""`survey`: answer questions, a list of `[NUMBER, [QUESTION, WORD…]]` in standard input, as JSON.

The answers are printed in the form of engine/survey.py: a line `NUMBER CODE LENGTH`, the answer, a line with the length
of the error, the error. They have no NUL, which bash cannot hold. A question that cannot be answered, or that
this program does not know, has a code that is not 0.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from deployer.remote.config import Config
from deployer.remote.docker_api import DockerApi
from deployer.remote.dotenv import encoded
from deployer.remote.failure import Failure, NotUnderstood
from deployer.remote.importing import function
from deployer.remote.survey.surveyed import Surveyed

Question = Callable[[Surveyed, Sequence[str]], str]

LARGEST = 1 << 20
"""Bytes of standard input."""
UNKNOWN = 3
QUESTIONS: Mapping[str, str] = {
    "compose": "survey.package_facts:compose",
    "directories": "survey.file_facts:directories",
    "engine": "survey.docker_facts:engine",
    "environment": "survey.environment_facts:environment",
    "file": "survey.file_facts:file",
}
"""Module and function of each, below deployer.remote."""
OF_DOCKER: Mapping[str, str] = {
    "containers": "containers:containers",
    "image": "survey.docker_facts:image",
    "images": "survey.docker_facts:images",
    "loaded": "survey.proxy_facts:loaded",
    "network": "survey.docker_facts:network",
    "publishers": "survey.docker_facts:publishers",
    "serving": "survey.release_facts:serving",
    "unless-serving": "survey.release_facts:unless_serving",
}
"""The same; the answer is empty where Docker was never installed."""


def survey(config: Config, api: DockerApi | None = None) -> None:
    """Answer all of them. Raises Failure where standard input is not such a list."""
    host = Surveyed(config, api or DockerApi())
    try:
        asked = [(int(number), [str(word) for word in question]) for number, question in json.loads(_input())]
    except (ValueError, TypeError) as error:
        raise NotUnderstood(f"survey: {error}") from error
    reply = b"".join(_reply(host, number, question) for number, question in asked)
    sys.stdout.buffer.write(reply)
    sys.stdout.flush()


def _input() -> bytes:
    return sys.stdin.buffer.read(LARGEST)


def _reply(host: Surveyed, number: int, question: Sequence[str]) -> bytes:
    code, output, error = 0, "", ""
    try:
        output = _answer(host, *question).rstrip("\n")
    except Failure as failure:
        code, error = UNKNOWN, str(failure)
    except Exception as fault:
        code, error = UNKNOWN, f"internal error of the host program: {type(fault).__name__}: {fault}"
    shown, why = encoded(output.replace("\0", "")), encoded(error)
    return b"%d %d %d\n%s%d\n%s\n" % (number, code, len(shown), shown, len(why), why)


def _answer(host: Surveyed, name: str, *words: str) -> str:
    if name in OF_DOCKER and host.api.was_never_installed:
        return ""
    place = QUESTIONS.get(name) or OF_DOCKER.get(name)
    if place is None:
        raise Failure("the host program is not in place yet")
    return cast("Question", function(place))(host, words)
