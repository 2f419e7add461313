"""`audit`: lines of the log in, a table out; whatever stands in the log is shown and harms nobody."""

import json
import subprocess
from pathlib import Path

import pytest

from deployer.commands.audit import NOTHING, Broken, Entry, _audit, parsed, text_for
from deployer.engine.lock import LockOwner
from deployer.errors import DeployerError, UsageError
from deployer.transport.protocol import Reply

from .fakes import FakeTransport, Kept, choices, inventory, run_on

HOST = inventory()
ADA = LockOwner("ada@laptop", "provision", "2026-01-01T00:00:00Z")
LONG = "failed: " + "x" * 300


def shown(*lines: str, number: int = 20) -> Kept:
    transport = FakeTransport([Reply(0, "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"), b"")])
    run, kept = run_on(HOST, transport, choices(lines=number))
    assert _audit(run) == 0
    assert len(transport.scripts) == 1, "one round trip"
    return kept


def test_the_table() -> None:
    """When, who, what, how it ended, how much changed; in the order of the log, aligned below one head."""
    grace = LockOwner("grace@a-long-name-of-a-desk", "maintenance on", "t")
    kept = shown(ADA.record("done", 3), grace.record(LONG, 0), ADA.record("connection lost", None))
    printed = "\n".join(text for _, _, text in kept.told).splitlines()
    assert len(printed) == 4
    assert [word for word in printed[0].split() if word] == ["ended", "who", "command", "result", "changed"]
    column = printed[0].index("changed")
    assert [line[column:].strip() for line in printed[1:]] == ["3", "0", "-"]
    assert [line[printed[0].index("command") :].split("  ")[0] for line in printed[1:]] == [
        "provision",
        "maintenance on",
        "provision",
    ]
    assert "…" in printed[2]


def test_events() -> None:
    """One for each line, with all there is."""
    (told,) = shown(ADA.record(LONG, 1)).told
    event, fields, _ = told
    assert event == "audit"
    assert {key: fields[key] for key in ("host", "who", "command", "since", "result", "changed")} == {
        "host": "web",
        "who": "ada@laptop",
        "command": "provision",
        "since": "2026-01-01T00:00:00Z",
        "result": LONG,
        "changed": 1,
    }
    assert str(fields["ended"]).endswith("Z")
    json.dumps(fields)


@pytest.mark.parametrize(
    "line",
    [
        '{"run": {"who": "ada"',
        "[]",
        "7",
        "null",
        '{"run": [], "changed": 1, "ended": "t"}',
        '{"run": {"who": 1, "command": "c", "since": "s", "result": "r"}, "changed": 1, "ended": "t"}',
        '{"run": {"who": "a", "command": "c", "since": "s", "result": "r"}, "changed": true, "ended": "t"}',
        "[" * 100_000,
        "\udcff\udcfe",
    ],
    ids=lambda line: line[:20].encode(errors="replace").decode(),
)
def test_a_broken_line(line: str) -> None:
    """It is shown between the others, and marked as such in the events."""
    kept = shown(ADA.record("done", 1), line, ADA.record("done", 2))
    assert [("broken" in fields) for _, fields, _ in kept.told] == [False, True, False]
    assert kept.told[1][2].startswith("not a record: ")


def test_only_broken_lines() -> None:
    """Nothing is taken for granted of the first one."""
    assert isinstance(parsed("x"), Broken)
    assert shown("x").told[0][2].splitlines()[-1] == "not a record: x"


def test_nothing_steers_the_terminal() -> None:
    """Neither a record nor a broken line; a result of several lines stays one."""
    evil = LockOwner("a\x1b[2Jb", "c\rd", "t").record("one\ntwo\x07", 1)
    kept = shown(evil, "\x1b]0;title\x07", "\\ud800")
    text = "".join(text for _, _, text in kept.told)
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "one; two" in text
    entry = parsed(evil)
    assert isinstance(entry, Entry)
    assert entry.who == "a\N{REPLACEMENT CHARACTER}[2Jb"


def test_nothing_yet() -> None:
    """That is said, and is no failure."""
    assert [text for _, _, text in shown().told] == [NOTHING]


def test_what_cannot_be_read_is_an_error() -> None:
    """Not an empty log."""
    run, _ = run_on(HOST, FakeTransport([Reply(1, b"", b"tail: Is a directory")]), choices(lines=1))
    with pytest.raises(DeployerError, match="could not be read"):
        _audit(run)


@pytest.mark.parametrize("number", ["x", "0", "-1", "1000001"])
def test_a_usage_error(number: str) -> None:
    """Before the host is asked."""
    run, _ = run_on(HOST, FakeTransport(), choices(lines=number))
    with pytest.raises(UsageError):
        _audit(run)


def test_the_newest_lines(tmp_path: Path) -> None:
    """Real bash: the last ones, and nothing where there is no log."""
    host = HOST.model_copy(update={"root": tmp_path})
    log = Path(host.paths.audit)
    assert _told(text_for(host, 2)) == ""
    log.parent.mkdir()
    log.write_text("one\ntwo\nthree\n")
    assert _told(text_for(host, 2)) == "two\nthree\n"


def _told(text: str) -> str:
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout
