"""Running a script as root: what SSH and this machine have in common."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeVar

from deployer.transport.elevation import Sudo, explain_refusal
from deployer.transport.execution import Execution, LineSession, NotStarted, TimeIsUp
from deployer.transport.process import Meter, Process
from deployer.transport.protocol import Conversation, Reply, Traffic
from deployer.transport.settings import Endpoint
from deployer.transport.wrapping import stdin_head, wrap

START_LIMIT = 60.0
"""Seconds that a conversation may take to begin."""

Result = TypeVar("Result")


class ShellTransport(ABC):
    """Implements run, open and traffic of `protocol.Transport`; they may be called from several threads."""

    def __init__(self, endpoint: Endpoint, sudo: Sudo) -> None:
        self._endpoint = endpoint
        self._sudo = sudo
        self._meter = Meter()

    @abstractmethod
    def _spawn(self, command: str) -> Process:
        """Start one command line. Raises ConnectionFailed."""

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        limit: float = 60.0,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Reply:
        """Run a script to its end; see `protocol.Transport.run`."""
        if stdin != b"":
            self._prove_sudo(may_repeat=isinstance(stdin, bytes))

        def use(execution: Execution, head: bytes) -> Reply:
            return execution.run(head, stdin, limit, on_output)

        return self._started(script, stdin != b"", limit, use)

    def open(self, script: str) -> Conversation:
        """Start a script and converse with it; returns once it has begun."""
        self._prove_sudo(may_repeat=True)
        return self._started(script, True, START_LIMIT, self._converse)

    def traffic(self) -> Traffic:
        return self._meter.traffic()

    def _started(
        self, script: str, takes_input: bool, limit: float, use: Callable[[Execution, bytes], Result]
    ) -> Result:
        """Start a script and use it; once more after a refusal of sudo for which a password was given."""
        elevation, password = self._sudo.way()
        wrapped = wrap(script, elevation, takes_input=takes_input)
        try:
            result = use(self._execution(wrapped.command), stdin_head(wrapped, password))
        except NotStarted as refusal:
            if not self._sudo.may_try_again(password, refusal.output):
                raise explain_refusal(self._endpoint, refusal.exit_code, refusal.output) from None
        except TimeIsUp:
            raise self._endpoint.failure(*_too_long(self._endpoint, limit)) from None
        else:
            self._sudo.has_worked()
            return result
        if takes_input:
            self._prove_sudo(may_repeat=True)
        return self._started(script, takes_input, limit, use)

    def _prove_sudo(self, *, may_repeat: bool) -> None:
        """Where the password is wrong sudo would read the input as the second and third attempt."""
        if self._sudo.wants_proof(may_repeat=may_repeat):
            self.run(":")

    def _execution(self, command: str) -> Execution:
        self._meter.count(round_trips=1, sent=len(command))
        return Execution(self._spawn(command), self._meter)

    def _converse(self, execution: Execution, head: bytes) -> Conversation:
        try:
            received = execution.begin(head, time.monotonic() + START_LIMIT)
        except BaseException:
            execution.process.abandon()
            raise
        return LineSession(
            execution, received, lambda what: self._endpoint.failure(f"{self._endpoint}: {what}", _AGAIN)
        )


_AGAIN = "Run the same command again; `deployer status` shows the state of the host."


def _too_long(endpoint: Endpoint, limit: float) -> tuple[str, str]:
    return f"a script on {endpoint} did not end within {limit:g} s and may still be running", _AGAIN
