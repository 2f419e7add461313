"""Programs that a verb runs."""

import os
import time
from pathlib import Path

import pytest

from deployer.remote.failure import Failure
from deployer.remote.process import LINE, Lines, run, running, succeed


def test_both_outputs() -> None:
    """Together, or apart; input and environment are given to it."""
    words = ("sh", "-c", "cat; echo $GIVEN >&2; exit 3")
    assert run(*words, limit=10, stdin=b"in ", environment={"GIVEN": "set"}).output == b"in set\n"
    result = run(*words, limit=10, stdin=b"in ", environment={"GIVEN": "set"}, apart=True)
    assert (result.exit_code, result.output, result.error) == (3, b"in ", b"set\n")


def test_an_end_within_its_limit(tmp_path: Path) -> None:
    """It is ended with all that it started, and named."""
    with pytest.raises(Failure, match="sh did not end within 1 s"):
        run("sh", "-c", f"sleep 60 & echo $! >{tmp_path}/child; wait", limit=1)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline


def test_a_program_that_is_not_there() -> None:
    """No traceback: its name and the reason."""
    with pytest.raises(Failure, match="no-such-program cannot be run: No such file or directory"):
        run("no-such-program", limit=1)


def test_one_that_fails() -> None:
    """The failure has its words, exit code and last lines."""
    with pytest.raises(Failure, match=r"sh -c .* failed with exit code 7:\nbecause"):
        succeed("sh", "-c", "echo because >&2; exit 7", limit=10)


def test_the_lock_is_not_handed_down() -> None:
    """What a verb starts does not have the files that it has open."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        assert run("sh", "-c", f"test ! -e /proc/self/fd/{writing}", limit=10).succeeded
    finally:
        os.close(reading)
        os.close(writing)


def test_files_in_and_out(tmp_path: Path) -> None:
    """What goes in and comes out may be of any size; errors are kept apart."""
    (tmp_path / "in").write_bytes(b"content")
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as target:
        result = run("sh", "-c", "cat; echo no >&2", limit=10, stdin=source, into=target)
    assert ((tmp_path / "out").read_bytes(), result.output, result.error) == (b"content", b"", b"no\n")


def test_one_that_runs_meanwhile() -> None:
    """It is killed at the end of what it was started for, and at its limit."""
    with running("sleep", "60", limit=60) as process:
        assert process.poll() is None
    assert process.returncode == -9
    with running("sleep", "60", limit=0.1) as process:
        assert process.wait(timeout=10) == -9


def test_lines_of_pieces() -> None:
    """Wherever a piece ends; a line without an end is passed on before it fills the memory."""
    shown: list[str] = []
    lines = Lines(shown.append)
    for piece in (b"on", b"e\n\ntw", b"o \xff\n", b"", b"x" * LINE, b"y", b"last"):
        lines(piece)
    lines.end()
    assert shown == ["one", "", "two \ufffd", f"{'x' * LINE}y", "last"]
