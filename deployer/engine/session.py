"""The operator's end of a session: the lock is held as long as this object sends heartbeats."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Self

from deployer.engine.job import Job, pack
from deployer.engine.lock import LockOwner
from deployer.engine.program import script
from deployer.engine.survey import cut_short
from deployer.errors import ConnectionFailed, Context, DeployerError, LockHeld, RollbackFailed
from deployer.inventory.model import Inventory
from deployer.transport.protocol import Conversation, Transport

HEARTBEAT = 10.0
"""Seconds between two heartbeats; the host gives a silent operator 30."""

_WAITING = {
    "attached": "waiting for a job of an earlier run that is still running",
    "waiting": "still waiting for the lock; running now",
}


@dataclass(frozen=True)
class JobResult:
    """How a job ended: `failed` is the number of the change that failed, 0 for none; `parts` are in seconds."""

    exit_code: int
    failed: int = 0
    undone: bool = True
    output: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


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
        held, printed = "", ""
        while (line := self._conversation.read_line().decode(errors="replace").strip()) != "locked":
            word, _, rest = line.partition(" ")
            match word:
                case "held":
                    held = _described(rest)
                    on_line(f"waiting: the lock is held by {held}")
                case "attached" | "waiting":
                    on_line(f"{_WAITING[word]}: {rest or 'unnamed'}")
                case "recovering":
                    on_line("an earlier restore was interrupted: recovering from it first")
                case "recovery":
                    printed = rest
                    on_line(rest)
                case "stuck":
                    raise RollbackFailed("the recovery from an interrupted restore failed", remedy=printed)
                case "busy":
                    raise LockHeld(
                        f"another run holds the lock: {held}",
                        remedy="run this command again when it has ended, or add --wait SECONDS",
                    )
                case _:
                    raise ConnectionFailed(f"the host did not give the lock: {line or 'no answer'}")

    def do(self, job: Job, on_change: Callable[[str], None], on_line: Callable[[str], None]) -> JobResult:
        """Run a job to its end; reports why each change is made, and each line printed. It outlives the connection."""
        self._count += 1
        name = str(self._count)
        listener = _Listener(lambda: self._start(name), lambda number: on_change(job.changes[number - 1].why), on_line)
        text = script("engine/follow.sh", work=f"/run/deployer/{self._host.name}/{name}")
        reply = self._transport.run(text, stdin=pack(job), limit=job.limit, on_output=listener)
        if reply.exit_code != 0 or listener.result is None:
            raise DeployerError(
                f"the job '{job.title}' could not be followed",
                remedy="run the same command again: it waits for the job if that is still running",
                context=Context(output=reply.error.decode(errors="replace")),
            )
        return listener.result

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


class _Listener:
    """Splits the output of a job into lines and marks."""

    def __init__(
        self, start: Callable[[], None], on_change: Callable[[int], None], on_line: Callable[[str], None]
    ) -> None:
        self._start, self._on_change, self._on_line = start, on_change, on_line
        self._rest = b""
        self._kept: list[str] = []
        self._failed = 0
        self._undone = True
        self._parts: dict[str, float] = {}
        self._ready = False
        self.result: JobResult | None = None

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))

    def _take(self, line: str) -> None:
        if not self._ready:
            self._ready = line == "ready"
            self._start()
        elif line.startswith("\x1e"):
            self._mark(line[1:].split())
        elif line:
            self._kept = [*self._kept[-39:], line]
            self._on_line(line)

    def _mark(self, words: list[str]) -> None:
        match words:
            case ["change", number]:
                self._kept = []
                self._on_change(int(number))
            case ["failed", number, _]:
                self._failed = int(number)
            case ["stuck"]:
                self._undone = False
            case ["part", name, seconds]:
                self._parts[name] = float(seconds)
            case ["exit", code]:
                self.result = JobResult(
                    int(code) if code.isdigit() else 137,
                    self._failed,
                    self._undone,
                    "\n".join(self._kept),
                    self._parts,
                )


def _described(owner: str) -> str:
    try:
        known = json.loads(owner)
        return f"{known['who']}, running '{known['command']}' since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process on the host"
