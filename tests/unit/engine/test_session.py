"""The operator's end of a session, against hosts that end in the middle."""

from pathlib import PurePosixPath

import pytest

from deployer.engine.changes import Script
from deployer.engine.job import Job
from deployer.engine.job_output import JobResult
from deployer.engine.lock import LockOwner
from deployer.engine.session import Session
from deployer.errors import ConnectionFailed, DeployerError, LockHeld, RollbackFailed
from deployer.transport.protocol import Reply
from tests.support.fakes import inventory
from tests.unit.commands.fakes import FakeTransport

OWNER = LockOwner("ada", "provision", "now")


class Lines:
    """Implements `protocol.Conversation`: prints its lines, then ends."""

    def __init__(self, lines: bytes) -> None:
        self.lines, self.sent, self.closed = lines, [""], False

    def send(self, line: str) -> None:
        self.sent.append(line)

    def read(self, size: int) -> bytes:
        taken, self.lines = self.lines[:size], self.lines[size:]
        return taken

    def read_line(self) -> bytes:
        line, _, self.lines = self.lines.partition(b"\n")
        return line

    def close(self) -> Reply:
        self.closed = True
        return Reply(0, b"", b"")


def start(said: bytes) -> Session:
    transport = FakeTransport(conversation=Lines(said))
    return Session.start(transport, inventory(), OWNER, wait=0, survey="true", on_line=lambda text: None)


def test_survey_reply() -> None:
    """After `locked` comes the first survey's reply, by its length."""
    session = start(b"locked\n7\n0 0 0\n\n")
    try:
        assert session.survey_reply() == b"0 0 0\n\n"
    finally:
        session.end()


@pytest.mark.parametrize("said", [b"", b"bash: flock: command not found\n", b"held {}\n"])
def test_no_lock(said: bytes) -> None:
    """A host that ends before it has given the lock is a failed connection."""
    with pytest.raises(ConnectionFailed):
        start(said)


class TestRecovery:
    def test_reported(self) -> None:
        """A run first recovers from an interrupted restore; everything that the recovery prints is reported."""
        shown: list[str] = []
        transport = FakeTransport(conversation=Lines(b"recovering\nrecovery the previous state is restored\nlocked\n"))
        Session.start(transport, inventory(), OWNER, wait=0, survey="true", on_line=shown.append).end()
        assert shown == [
            "an earlier restore was interrupted: recovering from it first",
            "the previous state is restored",
        ]

    def test_stuck(self) -> None:
        """Where the recovery fails, the last line that it printed is the remedy."""
        with pytest.raises(RollbackFailed) as caught:
            start(b"recovering\nrecovery it lies in /former\nstuck\n")
        assert caught.value.remedy == "it lies in /former"


@pytest.mark.parametrize("said", [b"locked\n", b"locked\nnonsense\n"])
def test_cut_before_the_reply(said: bytes) -> None:
    """A connection that ends after the lock is a failed connection, not a traceback."""
    session = start(said)
    try:
        with pytest.raises(ConnectionFailed, match="cut short"):
            session.survey_reply()
    finally:
        session.end()


def done(output: str) -> JobResult:
    """The result for what a host prints after `ready`."""
    transport = FakeTransport([Reply(0, f"ready\n{output}".encode(), b"")], Lines(b"locked\n"))
    session = Session.start(transport, inventory(), OWNER, wait=0, survey="true", on_line=lambda text: None)
    try:
        changes = (Script("one", "true"), Script("two", "true"))
        return session.do(Job("t", changes, PurePosixPath("/x")), lambda why: None, lambda line: None)
    finally:
        session.end()


class TestParts:
    def test_reported(self) -> None:
        """A script's marks with the seconds of its parts are kept in their order, and not shown as lines."""
        result = done("\x1echange 1\nhello\n\n\x1epart start 1.50\n\x1epart health 0.25\n\x1edone 1\n\x1eexit 0\n")
        assert list(result.parts.items()) == [("start", 1.5), ("health", 0.25)]
        assert result.output == "hello"
        assert result.exit_code == 0

    def test_twice(self) -> None:
        """Of two measurements of a part the last counts."""
        assert done("\x1epart gap 3.00\n\x1epart gap 4.00\n\x1eexit 0\n").parts == {"gap": 4.0}

    def test_none(self) -> None:
        """Most jobs have none; one that failed keeps those it had."""
        assert done("\x1eexit 0\n").parts == {}
        failed = done("\x1epart start 1.00\n\x1efailed 1 4\n\x1eundone\n\x1eexit 4\n")
        assert (failed.exit_code, failed.failed, failed.undone, failed.parts) == (4, 1, True, {"start": 1.0})


@pytest.mark.parametrize("owner", ["{}", "no json", '{"who": 1}', "[]", ""])
def test_unreadable_owner(owner: str) -> None:
    """A lock whose owner left no readable record is reported all the same."""
    with pytest.raises(DeployerError) as caught:
        start(f"held {owner}\nbusy\n".encode())
    assert caught.value.what == "another run holds the lock: a process on the host"
    assert caught.value.exit_code == 6


def test_job_of_an_earlier_run_that_does_not_end() -> None:
    """The wait for a job whose operator is gone ends with the name of that job."""
    with pytest.raises(LockHeld) as caught:
        start(b"attached 7.1 Images\nwaiting 7.1 Images\nbusy\n")
    assert caught.value.what == "another run holds the lock: a job of an earlier run, 7.1 Images"
