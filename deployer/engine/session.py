"""The operator's end of a session: the lock is held as long as this object lives and says so."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Self

from deployer.engine.job import Job, pack
from deployer.engine.lock import LockOwner
from deployer.engine.program import script
from deployer.engine.survey import cut
from deployer.errors import ConnectionFailed, Context, DeployerError, LockHeld, RollbackFailed
from deployer.inventory.model import Inventory
from deployer.transport.protocol import Conversation, Transport

HEARTBEAT = 10.0
"""Seconds between two heartbeats; the host gives a silent operator 30."""

_WAITING = {
    "attached": "waiting for a job that an earlier run left working",
    "waiting": "still waiting for the lock; now",
}


@dataclass(frozen=True)
class JobResult:
    """How a job ended: `failed` is the number of the change that failed, 0 when none did; `parts` are seconds."""

    exit_code: int
    failed: int = 0
    undone: bool = True
    output: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


class Session:
    """The lock on the host, held by a process on an open channel (design: it ends with its input)."""

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
        holder: LockOwner,
        *,
        wait: int,
        survey: str,
        say: Callable[[str], None],
    ) -> Self:
        """Take the lock and have the first survey asked, in one round trip.

        Raises LockHeld when another run keeps the lock for longer than `wait` seconds, RollbackFailed when a restore
        that was broken off cannot be taken back.
        """
        text = script(
            "engine/session.sh", NAME=host.name, ROOT=str(host.root), HOLDER=json.dumps(asdict(holder)), WAIT=wait
        )
        conversation = transport.open(f"survey() {{\n{survey}\n}}\n{text}")
        session = cls(transport, host, conversation)
        try:
            session._await_lock(say)
        except (LockHeld, RollbackFailed):
            conversation.close()
            raise
        session._pulse.start()
        return session

    def survey_reply(self) -> bytes:
        """The answer to the first survey, which is being asked since the lock was taken; once."""
        size = self._conversation.read_line()
        if not size.isdigit():
            raise cut()
        return self._conversation.read(int(size))

    def _await_lock(self, say: Callable[[str], None]) -> None:
        held, mended = "", ""
        while (line := self._conversation.read_line().decode(errors="replace").strip()) != "locked":
            word, _, rest = line.partition(" ")
            match word:
                case "held":
                    held = _described(rest)
                    say(f"waiting: the lock is held by {held}")
                case "attached" | "waiting":
                    say(f"{_WAITING[word]}: {rest or 'unnamed'}")
                case "mending":
                    say("an earlier restore was broken off: that is put right first")
                case "mended":
                    mended = rest
                    say(rest)
                case "stuck":
                    raise RollbackFailed("what an earlier restore left cannot be put right", remedy=mended)
                case "busy":
                    raise LockHeld(f"another run holds the lock: {held}", remedy="wait for it, or use --wait SECONDS")
                case _:
                    raise ConnectionFailed(f"the host did not give the lock: {line or 'no answer'}")

    def do(self, job: Job, on_change: Callable[[str], None], on_line: Callable[[str], None]) -> JobResult:
        """Run a job to its end; tells why each change is made, and each line it prints. It outlives the connection."""
        self._count += 1
        name = str(self._count)
        listener = _Listener(lambda: self._start(name), lambda number: on_change(job.changes[number - 1].why), on_line)
        text = script("engine/follow.sh", work=f"/run/deployer/{self._host.name}/{name}")
        reply = self._transport.run(text, stdin=pack(job), limit=job.limit, on_output=listener)
        if reply.exit_code != 0 or listener.result is None:
            raise DeployerError(
                f"the job '{job.title}' could not be followed",
                remedy="run the same command again: it waits for what still runs",
                context=Context(output=reply.error.decode(errors="replace")),
            )
        return listener.result

    def stop(self) -> None:
        """Break off the running job; one that must not stop half-way is waited for."""
        self._say("stop")
        while self._conversation.read_line().strip() not in (b"stopped", b""):
            pass

    def audit(self, record: str) -> None:
        """Over a lost connection it cannot be kept: the host keeps its own line, and what was lost is already told."""
        with suppress(ConnectionFailed):
            self._say(f"audit {record}")

    def end(self) -> None:
        """A connection that is lost has ended the session; the error that told so must stay the one that is seen."""
        self._ended.set()
        with suppress(ConnectionFailed):
            self._say("quit")
            self._conversation.close()

    def _start(self, name: str) -> None:
        try:
            self._say(f"start {name}")
        except ConnectionFailed:
            self._conversation.close()  # says why, where the connection was lost
            raise

    def _say(self, line: str) -> None:
        with self._sending:
            self._conversation.send(line)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            try:
                self._say("")
            except ConnectionFailed:
                return


class _Listener:
    """Takes a job's output apart into lines and marks."""

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


def _described(holder: str) -> str:
    try:
        known = json.loads(holder)
        return f"{known['who']}, running '{known['command']}' since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process on the host"
