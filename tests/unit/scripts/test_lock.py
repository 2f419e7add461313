"""lock.sh with real bash and flock: a program of cron takes the lock, records its owner, logs with times."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.backups.scripts.backup import backup_program, recover_program
from deployer.backups.scripts.drill import drill_program
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.text.shell import lines
from tests.support.fakes import inventory

LOCK = Path("/run/deployer/unit-test-locked.lock")
IS_FREE = f"flock -n {LOCK} true && echo free || echo held"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Remove what the tests leave in /run/deployer."""
    yield
    for left in LOCK.parent.glob(f"{LOCK.name}*"):
        left.unlink()


def run(*commands: str) -> "subprocess.CompletedProcess[str]":
    text = lines(script("engine/lock.sh", NAME="unit-test-locked", DOING="renew"), *commands)
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)


def test_each_line_has_its_time() -> None:
    """Every line has its time; the exit code is that of the function."""
    ran = run("act() { echo one; echo two >&2; return 7; }", "with_times act")
    assert ran.returncode == 7
    said = ran.stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in said] == ["one", "two"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \w+", line) for line in said)


def test_the_lock_of_a_run_is_used() -> None:
    """A lock inherited on descriptor 9 is not taken again: that would wait forever."""
    ran = run("exec 9</dev/null", "flock() { echo asked; }", "take_lock", "echo through")
    assert ran.stdout == "through\n"


def test_it_is_held_while_something_is_done() -> None:
    """Until the program ends; the owner's file names the command of cron."""
    ran = run(f"act() {{ {IS_FREE}; sed -n 2p {LOCK}.holder; }}", "take_lock", "with_times act")
    first, second = (line.split(" ", 1)[1] for line in ran.stdout.splitlines())
    assert first == "held"
    assert re.fullmatch(r'{"who": "cron@[\w.-]+", "command": "renew", "since": "[0-9TZ:-]+"}', second)
    assert subprocess.run(["bash", "-c", IS_FREE], capture_output=True, text=True, check=True).stdout == "free\n"


@pytest.mark.parametrize("program", [backup_program, drill_program, recover_program])
def test_no_program_takes_it_in_a_pipeline(program: Callable[[Inventory], str]) -> None:
    """There the lock would be free again at once."""
    text = program(inventory())
    assert re.search(r"^(if .*; then )?take_lock\b", text, re.MULTILINE)
    assert "with_times take_lock" not in text


def test_held_by_another() -> None:
    """The wait is reported with the lock's owner, then ends with exit code 6."""
    owner = '{"who": "ada@here"}'
    taken = f"exec 8>>{LOCK}; flock 8; printf '1 1\\n{owner}\\n' >{LOCK}.holder"
    ran = run(taken, "lock_seconds=0", "take_lock", "echo through")
    assert ran.returncode == 6
    said = [line.split(" ", 1)[1] for line in ran.stdout.splitlines()]
    assert said == [
        f"waiting for the lock, at most 0 s; held by {owner}",
        "another run holds the lock: renew was skipped",
    ]


def test_given_in_time() -> None:
    """A program that waits continues as soon as the lock is free."""
    ran = run(
        f"(exec 8>>{LOCK}; flock 8; echo taken >{LOCK}.taken; until [ -e {LOCK}.seen ]; do sleep 0.02; done) &",
        f"until [ -e {LOCK}.taken ]; do sleep 0.02; done",
        f"with_times() {{ touch {LOCK}.seen; }}",
        "take_lock",
        "echo through",
    )
    assert (ran.returncode, ran.stdout) == (0, "through\n")


def test_what_a_restore_left(tmp_path: Path) -> None:
    """Its program recovers, and a failure ends the run; a journal without a program is removed."""
    journal = tmp_path / ".deployer/restoring"
    journal.mkdir(parents=True)
    recover = f"ROOT={tmp_path}; recover_restore"
    for code in (0, 5):
        (journal / "program").write_text(f"echo $1; exit {code}")
        ran = run(recover)
        assert (ran.stdout, ran.returncode) == ("mend\n", code)
    (journal / "program").unlink()
    assert run(recover).returncode == 0
    assert not journal.exists()
