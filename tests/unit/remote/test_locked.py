"""locked.sh with real bash and flock: what cron starts takes the lock, says who has it, and tells when it says what."""

import re
import subprocess
from pathlib import Path

from deployer.remote.scripts import script
from deployer.shell import lines


def run(*commands: str) -> "subprocess.CompletedProcess[str]":
    text = lines(script("locked.sh", NAME="unit-test-locked", DOING="renew"), *commands)
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)


def test_each_line_has_its_time() -> None:
    """The exit code is that of what was run."""
    ran = run("act() { echo one; echo two >&2; return 7; }", "with_times act")
    assert ran.returncode == 7
    said = ran.stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in said] == ["one", "two"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \w+", line) for line in said)


def test_the_lock_of_a_run_is_used() -> None:
    """Inherited on descriptor 9, it is not taken again: nothing would ever give it."""
    ran = run("exec 9</dev/null", "flock() { echo asked; }", "take_lock", "echo through")
    assert ran.stdout == "through\n"


def test_what_a_restore_left(tmp_path: Path) -> None:
    """Its own program puts it right, or nothing may be built on it; what was never put in place goes."""
    left = tmp_path / ".deployer/restoring"
    left.mkdir(parents=True)
    mend = f"ROOT={tmp_path}; mend_restore"
    for code in (0, 5):
        (left / "program").write_text(f"echo $1; exit {code}")
        ran = run(mend)
        assert (ran.stdout, ran.returncode) == ("mend\n", code)
    (left / "program").unlink()
    assert run(mend).returncode == 0
    assert not left.exists()
