"""The operator's end of a session against hosts that break off in the middle."""

import pytest

from deployer.errors import ConnectionFailed, DeployerError
from deployer.remote.holder import Holder
from deployer.remote.session import Session
from deployer.transport.protocol import Reply
from tests.fakes import inventory
from tests.unit.commands.fakes import FakeTransport

HOLDER = Holder("ada", "provision", "now")


class Lines:
    """Implements `protocol.Conversation`: says its lines, then ends."""

    def __init__(self, said: bytes) -> None:
        self.said, self.heard, self.closed = said, [""], False

    def send(self, line: str) -> None:
        self.heard.append(line)

    def read(self, size: int) -> bytes:
        taken, self.said = self.said[:size], self.said[size:]
        return taken

    def read_line(self) -> bytes:
        line, _, self.said = self.said.partition(b"\n")
        return line

    def close(self) -> Reply:
        self.closed = True
        return Reply(0, b"", b"")


def start(said: bytes) -> Session:
    transport = FakeTransport(conversation=Lines(said))
    return Session.start(transport, inventory(), HOLDER, wait=0, survey="true", say=lambda text: None)


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


@pytest.mark.parametrize("said", [b"locked\n", b"locked\nnonsense\n"])
def test_cut_before_the_reply(said: bytes) -> None:
    """A connection that ends after the lock is a failed connection, not a traceback."""
    session = start(said)
    try:
        with pytest.raises(ConnectionFailed, match="cut short"):
            session.survey_reply()
    finally:
        session.end()


@pytest.mark.parametrize("holder", ["{}", "no json", '{"who": 1}', "[]", ""])
def test_holder_that_nobody_can_read(holder: str) -> None:
    """A lock that something else holds is said all the same."""
    with pytest.raises(DeployerError) as caught:
        start(f"held {holder}\nbusy\n".encode())
    assert caught.value.what == "another run holds the lock: a process on the host"
    assert caught.value.exit_code == 6
