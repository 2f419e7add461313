"""The engine and the builder of images: checked before anything is done, and used between the jobs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.engine.changes import Change, Note, Script, Send
from deployer.engine.engine import Engine, RunContext
from deployer.engine.facts import Facts
from deployer.engine.lock import LockOwner
from deployer.errors import Context, DeployerError, UsageError
from deployer.output.report import Verdicts
from deployer.transport.protocol import Transport
from tests.support.fakes import IS_ROOT, Bed, Recorder, Scripted

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the scripts run as root, as on a host")

SEND = Send("build here and send", "c", ("x:1",), (), (), "linux/amd64", ())


@dataclass
class FakeTransfer:
    """Implements `ImageTransfer`: what is sent is a line in a file of the host."""

    file: Path
    refusal: DeployerError | None = None
    failure: DeployerError | None = None
    asked: int = 0
    sent: list[Send] = field(default_factory=list)

    def ready(self) -> None:
        self.asked += 1
        if self.refusal:
            raise self.refusal

    def send(self, change: Send, transport: Transport) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(change)
        transport.run(f"echo sent >>{self.file}")


def engine(here: Bed, sender: FakeTransfer) -> tuple[Engine, Recorder]:
    """A step that writes a line before what is sent, and one after it."""

    def wanted(facts: Facts) -> Iterator[Change | Note]:
        if "after" not in facts["file"]:
            yield Script("before", f"echo before >>{sender.file}")
            yield SEND
            yield Script("after", f"echo after >>{sender.file}")

    step = Scripted("a file", {"file": f"cat {sender.file} 2>/dev/null || true"}, wanted)
    report = Recorder()
    operator = RunContext(lambda asked: {}, report, Verdicts(), image_transfer=sender)
    return Engine(here.host, here.transport(), (step,), operator), report


OWNER = LockOwner("ada@laptop", "provision", "2026-01-01T00:00:00Z")


def test_in_its_place(here: Bed) -> None:
    """After the changes before it and before those after it; the dry run lists the same, and sends nothing."""
    sender = FakeTransfer(here.root / "file")
    made, report = engine(here, sender)
    (planned,) = made.preview()
    assert [change.why for change in planned.changes] == ["before", SEND.why, "after"]
    assert (sender.asked, sender.sent, sender.file.exists()) == (1, [], False)
    made.apply(OWNER, wait=0)
    assert sender.file.read_text().split() == ["before", "sent", "after"]
    assert sender.sent == [SEND]
    assert SEND.why in report.begun


def test_nobody_is_asked_where_nothing_is_sent(here: Bed) -> None:
    """A run with nothing to send does not need Docker on the operator's machine."""
    sender = FakeTransfer(here.root / "file", UsageError("no Docker here"))
    sender.file.write_text("after")
    made, _ = engine(here, sender)
    made.preview()
    made.apply(OWNER, wait=0)
    assert sender.asked == 0


def test_refused_before_anything_is_done(here: Bed) -> None:
    """In a dry run too."""
    sender = FakeTransfer(here.root / "file", UsageError("no Docker here"))
    made, _ = engine(here, sender)
    with pytest.raises(UsageError):
        made.preview()
    with pytest.raises(UsageError):
        made.apply(OWNER, wait=0)
    assert not sender.file.exists()
    assert here.lock_is_free()


def test_failure(here: Bed) -> None:
    """Later changes are not made; the step is reported as failed, and the message names it."""
    sender = FakeTransfer(here.root / "file", failure=DeployerError("cut", context=Context(output="last line")))
    made, report = engine(here, sender)
    with pytest.raises(DeployerError) as failed:
        made.apply(OWNER, wait=0)
    assert sender.file.read_text().split() == ["before"]
    assert (failed.value.context.step, failed.value.context.output) == ("a file", "last line")
    assert [step.verdict for step in report.steps] == ["failed"]
