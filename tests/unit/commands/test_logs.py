"""`logs`: what is asked for becomes one verb of the host program; Ctrl-C is the end of --follow."""

import pytest

from deployer.commands import logs
from deployer.errors import DeployerError, UsageError
from deployer.transport.protocol import Reply

from .fakes import FakeTransport, Value, choices, inventory, run_on

HOST = inventory()


@pytest.mark.parametrize(
    "chosen", [{"service": "foo"}, {"service": "access", "since": "10m"}, {"since": "$(x)"}, {"lines": "0"}]
)
def test_what_makes_no_sense_is_a_usage_error(chosen: dict[str, Value]) -> None:
    """Exit 2 before anything is asked of the host."""
    with pytest.raises(UsageError):
        logs.text_for(HOST, choices(**{"lines": 200, **chosen}))


@pytest.mark.parametrize("since", ["10m", "2h", "1h30m", "2025-10-12", "2025-10-12T08:00:00Z"])
def test_times_of_docker_are_passed_on(since: str) -> None:
    """As they are; days, which Docker does not know, as hours."""
    assert f"--since={since}" in logs.text_for(HOST, choices(lines=1, since=since))
    assert "--since=48h" in logs.text_for(HOST, choices(lines=1, since="2d"))


def test_one_verb() -> None:
    """Each value is one word, whatever it holds."""
    text = logs.text_for(HOST, choices(lines=20, service="access", grep="it's $(x)", follow=True))
    program = "python3 -I -X utf8 /opt/biometric-did/.deployer/remote.pyz"
    assert text == f"""{program} logs access --lines=20 '--grep=it'"'"'s $(x)' --follow"""


def test_lines_are_told_whole_and_harmless() -> None:
    """Pieces are put together, and what would steer a terminal is made visible."""
    run, kept = run_on(HOST, FakeTransport(), choices())
    lines = logs.Lines(run)
    for piece in (b"on", b"e\ntwo \x1b[2J\nthr", b"ee"):
        lines(piece)
    lines.end()
    assert [fields["line"] for _, fields, _ in kept.told] == ["one", "two \N{REPLACEMENT CHARACTER}[2J", "three"]


class Following:
    """Implements `protocol.Conversation`: two lines, a sign of life, then Ctrl-C."""

    def __init__(self, *ending: bytes, exit_code: int = 0) -> None:
        self._lines = [b"one", b"\x1e", b"\n", b"two", *ending]
        self._exit_code = exit_code
        self.closed = False

    def send(self, line: str) -> None:
        raise AssertionError("nothing is said")

    def read(self, size: int) -> bytes:
        raise AssertionError("only lines are read")

    def read_line(self) -> bytes:
        if not self._lines:
            raise KeyboardInterrupt
        return self._lines.pop(0)

    def close(self) -> Reply:
        self.closed = True
        return Reply(self._exit_code, b"", b"")


def test_ctrl_c_is_the_normal_end_of_following() -> None:
    """Exit 0, and the host is told that nobody listens any more."""
    conversation = Following()
    run, kept = run_on(HOST, FakeTransport(conversation=conversation), choices(follow=True, lines=200))
    assert logs._logs(run) == 0
    assert [fields["line"] for _, fields, _ in kept.told] == ["one", "", "two"]
    assert conversation.closed


def test_nothing_to_follow() -> None:
    """A log that ends by itself with an error is one: Docker is not installed, for example."""
    run, _ = run_on(HOST, FakeTransport(conversation=Following(b"", exit_code=1)), choices(follow=True, lines=200))
    with pytest.raises(DeployerError, match="the logs could not be read"):
        logs._logs(run)


@pytest.mark.parametrize(("code", "remedy"), [(1, "deployer status"), (2, "deployer provision"), (127, "provision")])
def test_no_log(code: int, remedy: str) -> None:
    """It is an error also where the host has printed why; where its program is missing, provision is the remedy."""
    run, _ = run_on(HOST, FakeTransport([Reply(code, b"why\n", b"")]), choices(lines=200))
    with pytest.raises(DeployerError) as error:
        logs._logs(run)
    assert remedy in error.value.remedy
