"""`logs`: what is asked for becomes one script; secrets are masked by real bash; Ctrl-C is the end of --follow."""

import subprocess
from pathlib import Path

import pytest

from deployer.commands import logs
from deployer.engine.program import script
from deployer.errors import UsageError
from deployer.transport.protocol import Reply

from .fakes import FakeTransport, Value, choices, inventory, run_on

HOST = inventory()


def bash(text: str) -> str:
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True, timeout=20).stdout


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
    assert f"SINCE={since}" in logs.text_for(HOST, choices(lines=1, since=since))
    assert "SINCE=48h" in logs.text_for(HOST, choices(lines=1, since="2d"))


def test_secrets_are_masked_before_anything_is_searched(tmp_path: Path) -> None:
    """Real bash: the value is gone, also for --grep; a short or unnamed one is not taken for a secret."""
    secret = "s/e[c]r.e*t^va$lue\\x"
    (tmp_path / ".env").write_text(f"API_SECRET_KEY={secret}\nDOMAIN=wallet.example.com\nX_TOKEN='quoted-token'\n")
    (tmp_path / "log").write_text(f"one {secret} wallet.example.com\ntwo quoted-token\nthree\n")
    parts = {"NAME": "web", "ENV_FILE": str(tmp_path / ".env"), "SERVICE": "", "FILE": str(tmp_path / "log")}
    show = script("engine/mask.sh") + script("status/scripts/logs.sh", **parts, SINCE="", GREP="", LINES=10, FOLLOW=0)
    assert bash(show) == "one [secret] wallet.example.com\ntwo [secret]\nthree\n"
    searched = script("engine/mask.sh") + script(
        "status/scripts/logs.sh", **parts, SINCE="", GREP="token", LINES=10, FOLLOW=0
    )
    assert bash(searched) == ""


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("A_KEY='it\\'s-a-$ecret'", "it's-a-$ecret"),
        ('A_KEY="with \\"quotes\\" in it"', 'with "quotes" in it'),
        ("a_password=lower-case", "lower-case"),
        ("A_TOKEN='\"in quotes\"'", '"in quotes"'),
        ("A_SECRET=a=b=c=d=e", "a=b=c=d=e"),
    ],
)
def test_a_secret_is_masked_as_programs_print_it(tmp_path: Path, line: str, printed: str) -> None:
    """Without the quotes of .env; a longer one before one that is a part of it."""
    beginning = printed.strip('"')[:8]
    (tmp_path / ".env").write_text(f"B_KEY={beginning}\n{line}\n")
    (tmp_path / "log").write_text(f"<{printed}>\n")
    assert bash(f"{script('engine/mask.sh')}\nmask {tmp_path}/.env <{tmp_path}/log") == "<[secret]>\n"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Nothing was renewed yet, for example."""
    parts = {"NAME": "web", "ENV_FILE": "/nonexistent", "SERVICE": "", "FILE": str(tmp_path / "log")}
    assert "does not exist yet" in bash(
        script("engine/mask.sh") + script("status/scripts/logs.sh", **parts, SINCE="", GREP="", LINES=1, FOLLOW=0)
    )


def test_following_ends_with_the_input(tmp_path: Path) -> None:
    """When the operator is gone nothing stays behind."""
    log = tmp_path / "log"
    log.write_text("one\n")
    parts = {"NAME": "web", "ENV_FILE": "/nonexistent", "SERVICE": "", "FILE": str(log)}
    text = script("engine/mask.sh") + script("status/scripts/logs.sh", **parts, SINCE="", GREP="", LINES=1, FOLLOW=1)
    following = subprocess.Popen(["bash", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert following.stdin and following.stdout
    assert following.stdout.readline() == "one\n"
    with log.open("a") as more:
        more.write("two\n")
    assert following.stdout.readline() == "two\n"
    following.stdin.close()
    assert following.stdout.read() == ""
    assert following.wait(10) is not None
    following.stdout.close()
    assert str(log) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_lines_are_told_whole_and_harmless() -> None:
    """Pieces are put together, and what would steer a terminal is made visible."""
    run, kept = run_on(HOST, FakeTransport(), choices())
    lines = logs.Lines(run)
    for piece in (b"on", b"e\ntwo \x1b[2J\nthr", b"ee"):
        lines(piece)
    lines.end()
    assert [fields["line"] for _, fields, _ in kept.told] == ["one", "two \N{REPLACEMENT CHARACTER}[2J", "three"]


class AtLatestCommit:
    """Implements `protocol.Conversation`: two lines, a sign of life, then Ctrl-C."""

    def __init__(self) -> None:
        self._lines = [b"one", b"\x1e", b"\n", b"two"]
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
        return Reply(0, b"", b"")


def test_ctrl_c_is_the_normal_end_of_following() -> None:
    """Exit 0, and the host is told that nobody listens any more."""
    conversation = AtLatestCommit()
    run, kept = run_on(HOST, FakeTransport(conversation=conversation), choices(follow=True, lines=200))
    assert logs._logs(run) == 0
    assert [fields["line"] for _, fields, _ in kept.told] == ["one", "", "two"]
    assert conversation.closed
