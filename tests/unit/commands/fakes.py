"""What the tests of the commands share: an inventory, choices, a report that keeps all, a transport that answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deployer.engine.facts import Ask
from deployer.errors import DeployerError
from deployer.inventory.load import build
from deployer.inventory.model import Inventory, Origin
from deployer.output.report import Recap, StepReport, Verdicts
from deployer.run.command import Choices
from deployer.run.host_run import HostRun
from deployer.transport.protocol import Conversation, Reply, Traffic

Value = bool | int | str | None


def inventory(directory: Path = Path("/nowhere"), **tables: object) -> Inventory:
    """The host `web`, self-signed."""
    document = {
        "ssh": {"address": "192.0.2.1"},
        "site": {"domain": "wallet.example.com", "email": "admin@example.com"},
        "tls": {"mode": "self-signed"},
    }
    return build({**document, **tables}, Origin(directory / "web.toml"))


def choices(**values: Value) -> Choices:
    return Choices(values, {}, Path("/nowhere"))


@dataclass
class Kept:
    """Implements `report.Report`: everything that was told, in order."""

    told: list[tuple[str, dict[str, object], str]] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    errors: list[DeployerError] = field(default_factory=list)

    def outline(self, titles: Sequence[str]) -> None:
        """Not kept."""

    def begin(self, section: str, what: str) -> None:
        """Not kept."""

    def line(self, text: str) -> None:
        """Not kept."""

    def step(self, step: StepReport) -> None:
        self.steps.append(step)

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        self.told.append((event, fields, text))

    def error(self, error: DeployerError) -> None:
        self.errors.append(error)

    def recap(self, recap: Recap) -> None:
        """Not kept."""


@dataclass
class FakeTransport:
    """Implements `protocol.Transport`: gives its replies in turn, and keeps the scripts."""

    replies: list[Reply] = field(default_factory=list)
    conversation: Conversation | None = None
    scripts: list[str] = field(default_factory=list)
    closed: bool = False

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        limit: float = 60.0,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Reply:
        self.scripts.append(script)
        reply = self.replies.pop(0)
        if on_output:
            on_output(reply.output)
        return reply

    def open(self, script: str) -> Conversation:
        self.scripts.append(script)
        assert self.conversation
        return self.conversation

    def again(self) -> Self:
        return self

    def traffic(self) -> Traffic:
        return Traffic(0, 0, 0)

    def close(self) -> None:
        self.closed = True


def run_on(host: Inventory, transport: FakeTransport, chosen: Choices) -> tuple[HostRun, Kept]:
    kept = Kept()
    return HostRun(host, transport, kept, chosen, Verdicts()), kept


def reply_to(asked: Sequence[Ask], answers: Sequence[str | int]) -> bytes:
    """A survey's reply: a text is an answer, a number is the exit code of a question that failed."""
    parts = []
    for number, answer in enumerate(answers):
        code, text = (answer, "") if isinstance(answer, int) else (0, answer)
        error = f"failed with {code}" if code else ""
        parts.append(f"{number} {code} {len(text.encode())}\n{text}{len(error)}\n{error}\n")
    assert len(answers) == len(asked)
    return "".join((*parts, "done\n")).encode()
