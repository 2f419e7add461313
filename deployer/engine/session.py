"""The operator's end of a session: the lock is held as long as this object sends heartbeats."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Self

from deployer.engine.changes import Change
from deployer.engine.job import Job, pack
from deployer.engine.job_output import JobOutput, JobResult
from deployer.engine.lock import LockOwner, LockWait
from deployer.engine.program import script
from deployer.engine.survey import cut_short
from deployer.errors import ConnectionFailed, Context, DeployerError, LockHeld, RollbackFailed
from deployer.inventory.model import Inventory
from deployer.transport.protocol import Conversation, Transport

HEARTBEAT = 10.0
"""Seconds between two heartbeats; the host gives a silent operator 30."""


class Session:
    """The lock on the host, held by a process on an open channel, which ends when its input does."""

    def __init__(self, transport: Transport, host: Inventory, conversation: Conversation) -> None:
        self._transport = transport
        self._host = host
        self._conversation = conversation
        self._sending = threading.Lock()
        self._ended = threading.Event()
        self._count = 0
        self._pulse = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @classmethod
    def start(
        cls,
        transport: Transport,
        host: Inventory,
        owner: LockOwner,
        *,
        wait: int,
        survey: str,
        on_line: Callable[[str], None],
    ) -> Self:
        """Take the lock and start the first survey, in one round trip.

        Raises LockHeld when another run holds the lock for longer than `wait` seconds, RollbackFailed when the
        recovery from an interrupted restore fails.
        """
        text = script(
            "engine/session.sh", NAME=host.name, ROOT=str(host.root), OWNER=json.dumps(asdict(owner)), WAIT=wait
        )
        conversation = transport.open(f"survey() {{\n{survey}\n}}\n{text}")
        session = cls(transport, host, conversation)
        try:
            session._await_lock(on_line)
        except (LockHeld, RollbackFailed):
            conversation.close()
            raise
        session._pulse.start()
        return session

    def survey_reply(self) -> bytes:
        """The reply of the first survey, which began when the lock was taken; to be read once."""
        size = self._conversation.read_line()
        if not size.isdigit():
            raise cut_short()
        return self._conversation.read(int(size))

    def _await_lock(self, on_line: Callable[[str], None]) -> None:
        waiting = LockWait(on_line)
        while not waiting.take(self._conversation.read_line().decode(errors="replace").strip()):
            pass

    def do(self, job: Job, on_change: Callable[[Change], None], on_line: Callable[[str], None]) -> JobResult:
        """Run a job to its end; reports each change that begins, and each line printed. It outlives the connection."""
        self._count += 1
        name = str(self._count)
        output = JobOutput(lambda: self._start(name), lambda number: on_change(job.changes[number - 1]), on_line)
        text = script("engine/follow.sh", work=f"/run/deployer/{self._host.name}/{name}")
        reply = self._transport.run(text, stdin=pack(job), limit=job.limit, on_output=output)
        if reply.exit_code != 0 or output.result is None:
            raise DeployerError(
                f"the job '{job.title}' could not be followed",
                remedy="run the same command again: it waits for the job if that is still running",
                context=Context(output=reply.error.decode(errors="replace")),
            )
        return output.result

    def stop(self) -> None:
        """Stop the running job; a critical one is waited for."""
        self._send("stop")
        while self._conversation.read_line().strip() not in (b"stopped", b""):
            pass

    def audit(self, record: str) -> None:
        """Add a line to the audit log; after a lost connection the host adds one itself."""
        with suppress(ConnectionFailed):
            self._send(f"audit {record}")

    def end(self) -> None:
        """Release the lock. A lost connection has ended the session already: its error must stay the visible one."""
        self._ended.set()
        with suppress(ConnectionFailed):
            self._send("quit")
            self._conversation.close()

    def _start(self, name: str) -> None:
        try:
            self._send(f"start {name}")
        except ConnectionFailed:
            self._conversation.close()  # raises the reason, where the connection was lost
            raise

    def _send(self, line: str) -> None:
        with self._sending:
            self._conversation.send(line)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            try:
                self._send("")
            except ConnectionFailed:
                return
