"""Scripts on this machine, for real."""

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import ConnectionFailed
from deployer.secret import Secret
from deployer.transport import execution
from deployer.transport.local import LocalTransport
from deployer.transport.protocol import Reply, Transport

pytestmark = pytest.mark.usefixtures("root")
MANY = bytes(range(256)) * 40_000


@pytest.fixture
def here() -> LocalTransport:
    return LocalTransport()


def test_is_a_transport(here: LocalTransport) -> None:
    """It stands where a Transport is wanted."""
    transport: Transport = here
    assert transport.run("id -u; echo oops >&2; exit 3") == Reply(3, b"0\n", b"oops\n")


def test_much_in_both_directions(here: LocalTransport) -> None:
    """A script that answers while it is still being fed does not lock up."""
    assert here.run("cat; cat /etc/hostname >&2", stdin=MANY).output == MANY


def test_payload_in_pieces(here: LocalTransport) -> None:
    """An iterable is sent as it comes."""
    assert here.run("cat", stdin=(b"%d " % number for number in range(5))).output == b"0 1 2 3 4 "


def test_script_that_does_not_read(here: LocalTransport) -> None:
    """Input that the script does not read is no error; the exit code is the result."""
    assert here.run("exit 5", stdin=MANY).exit_code == 5


def test_payload_that_fails(here: LocalTransport) -> None:
    """Its error is the caller's, not swallowed by the sending thread."""

    def broken() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        here.run("cat", stdin=broken())


def test_output_as_it_comes(here: LocalTransport) -> None:
    """on_output is called while the script still runs."""
    seen: list[bytes] = []
    released = threading.Event()

    def note(piece: bytes) -> None:
        seen.append(piece)
        released.set()

    def feed() -> Iterator[bytes]:
        released.wait(10)
        yield b"go\n"

    assert here.run("echo one; read -r word; echo $word", stdin=feed(), on_output=note).output == b"one\ngo\n"
    assert seen == [b"one\n", b"go\n"]


def test_limit(here: LocalTransport) -> None:
    """A script beyond its limit is given up, with a message and within the time."""
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"did not end within 0\.5 s"):
        here.run("exec sleep 3", limit=0.5)
    assert time.monotonic() - began < 2


def test_child_that_stays(here: LocalTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that keeps the script's output open does not keep the caller waiting."""
    monkeypatch.setattr(execution, "GRACE", 0.2)
    began = time.monotonic()
    assert here.run("sleep 4 & echo started").output == b"started\n"
    assert time.monotonic() - began < 3


def test_killed_script(here: LocalTransport) -> None:
    """Ended by a signal is not a success."""
    assert here.run("kill -KILL $$").exit_code == execution.KILLED


def test_conversation(here: LocalTransport) -> None:
    """Lines, exact sizes, empty lines and the end are distinguished."""
    talk = here.open('while IFS= read -r line; do printf "%s\\n\\n12345" "$line"; done; echo bye; exit 4')
    talk.send('what\'s "up"')
    assert (talk.read_line(), talk.read_line(), talk.read(5)) == (b'what\'s "up"', b"\n", b"12345")
    assert talk.close() == Reply(4, b"bye\n", b"")


def test_conversation_that_ended(here: LocalTransport) -> None:
    """Its end is the empty line, and it says so to who still speaks."""
    talk = here.open("echo last; exit 2")
    assert (talk.read_line(), talk.read_line(), talk.read(3)) == (b"last", b"", b"")
    with pytest.raises(ConnectionFailed, match="takes no more input"):
        for _ in range(1000):
            talk.send("x" * 1000)
    assert talk.close().exit_code == 2


def test_again_and_traffic(here: LocalTransport) -> None:
    """A second one counts for itself."""
    other = here.again()
    here.run("cat", stdin=b"12345")
    other.close()
    assert here.traffic().round_trips == 1
    assert here.traffic().bytes_received > 5
    assert other.traffic().round_trips == 0


@pytest.fixture
def fake_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sudo that wants the password "right", in the words and ways of the real one."""
    script = tmp_path / "sudo"
    script.write_text(
        """#!/bin/bash
if [ "$1" = -n ]; then echo 'sudo: a password is required' >&2; exit 1; fi
IFS= read -r given
if [ "$given" != right ]; then echo 'sudo: 1 incorrect password attempt' >&2; exit 1; fi
while [ "$1" != -- ]; do shift; done; shift
exec "$@"
"""
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return script


@pytest.mark.usefixtures("fake_sudo")
class TestSudo:
    """Passwords: given, asked for, wrong, and none."""

    def test_password_given(self) -> None:
        """It reaches sudo and not the script."""
        here = LocalTransport(sudo_password=Secret("right"))
        assert here.run("cat", stdin=b"payload").output == b"payload"
        assert here.run("cat").output == b""

    def test_none(self) -> None:
        """Says what to set."""
        with pytest.raises(ConnectionFailed, match="without a password") as failure:
            LocalTransport().run("true")
        assert "DEPLOYER_SUDO_PASSWORD" in failure.value.remedy

    def test_wrong(self) -> None:
        """Says that it was wrong, without saying it."""
        with pytest.raises(ConnectionFailed, match="does not accept the password") as failure:
            LocalTransport(sudo_password=Secret("wr0ng")).open("cat")
        assert "wr0ng" not in repr(vars(failure.value))

    @pytest.mark.parametrize("payload", [b"bytes", (b"by", b"tes")])
    def test_asked_once(self, payload: bytes | tuple[bytes, ...]) -> None:
        """One question for all scripts and connections; input that cannot be repeated is not lost."""
        questions: list[str] = []

        def ask(question: str) -> Secret:
            questions.append(question)
            return Secret("right")

        here = LocalTransport(ask_password=ask)
        stdin = payload if isinstance(payload, bytes) else iter(payload)
        assert here.run("cat", stdin=stdin).output == b"bytes"
        assert here.again().open("cat").close().exit_code == 0
        assert len(questions) == 1

    def test_asked_and_wrong(self) -> None:
        """A wrong answer is not asked for again."""
        questions: list[str] = []

        def ask(question: str) -> Secret:
            questions.append(question)
            return Secret("wr0ng")

        here = LocalTransport(ask_password=ask)
        for _ in range(2):
            with pytest.raises(ConnectionFailed, match="does not accept the password"):
                here.run("true")
        assert len(questions) == 1
