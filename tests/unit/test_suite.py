"""script/test: what runs in which order, what is shown, and when it ends with an error."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import suite

ROOT = Path(__file__).parents[2]
SECONDS = 20


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A suite whose commands are short ones that say what they are; a file in this folder makes one of them fail."""
    monkeypatch.setattr(suite, "STYLE", (f"sh {script(tmp_path, 'style')}",))
    monkeypatch.setattr(suite, "UNIT", f"sh {script(tmp_path, 'unit')}")
    monkeypatch.setattr(suite, "BED", ("sh", str(script(tmp_path, "bed"))))
    monkeypatch.setattr(suite, "HOSTS", ("sh", str(script(tmp_path, "hosts"))))
    monkeypatch.setattr(suite, "LOOK_SECONDS", 0.01)
    monkeypatch.delenv("SUITE_STARTED", raising=False)
    return tmp_path


def script(folder: Path, name: str) -> Path:
    """Say something twice, with time between for others to come between, and fail where that is asked for."""
    path = folder / f"{name}.sh"
    path.write_text(f'echo "{name} begins" "$@"; sleep 0.2; echo "{name} ends"; ! test -e {folder}/{name}-fails\n')
    return path


def in_order(output: str, *texts: str) -> bool:
    """Whether these texts stand there one after the other."""
    return re.search(".*".join(map(re.escape, texts)), output, re.DOTALL) is not None


def run(short: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the suite: its status, and all that it printed."""
    status = suite.main(arguments)
    return status, capfd.readouterr().out


def test_everything(short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The unit tests' output is whole, then comes the bed's and the hosts', then what the phases took."""
    status, output = run(short, capfd)
    assert status == 0
    shown = ("style ends", "unit begins\nunit ends", "bed ends\nhosts begins", "hosts ends", "phases")
    assert in_order(output, *shown), output


@pytest.mark.parametrize("failing", ["unit", "bed", "hosts"])
def test_failure_of_either(short: Path, capfd: pytest.CaptureFixture[str], failing: str) -> None:
    """Whichever tests fail, the others are run to their end, and the whole has failed."""
    (short / f"{failing}-fails").touch()
    status, output = run(short, capfd)
    assert status == 1
    assert "unit ends" in output
    assert ("hosts ends" in output) == (failing != "bed")


def test_style_ends_early(short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With wrong style or types no test is run."""
    (short / "style-fails").touch()
    status, output = run(short, capfd)
    assert status == 1
    assert not re.search("unit begins|hosts", output)


def test_a_part(short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With --full=PART only the bed is prepared and the tests on hosts are run, with the arguments of pytest."""
    status, output = run(short, capfd, "--full=update", "-k", "word")
    assert status == 0
    assert in_order(output, "bed ends", "--full=update tests/host -k word", "hosts ends")
    assert not re.search("style begins|unit", output)


def test_unknown_part(short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A part that does not exist is an error of usage, before anything is run."""
    assert suite.main(["--full=nothing"]) == 2
    printed = capfd.readouterr()
    assert "begins" not in printed.out
    assert "no such part" in printed.err


def test_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """TEST_WORKERS says how many tests run on hosts beside each other, and -n after it does so too."""
    monkeypatch.setenv("TEST_WORKERS", "7")
    words = suite.host_tests("", ["-n", "4"])
    assert in_order(" ".join(words), "-n 7", "-n 4")


def test_paths() -> None:
    """A path among the arguments takes the place of all tests on hosts."""
    assert suite.host_tests("all", ["tests/host/release/test_update.py"])[-2:] == [
        "--full=all",
        "tests/host/release/test_update.py",
    ]
    assert suite.host_tests("", ["-k", "word"])[-3:] == [suite.PLACE, "-k", "word"]


def test_help_needs_no_set_up() -> None:
    """`script/test --help` answers with the parts, from Python alone."""
    asked = subprocess.run(
        [ROOT / "script/test", "--help"], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert in_order(asked.stdout, "usage: script/test", "--full=PART", "restore_cut_off", "TEST_WORKERS")
    assert "setup" not in asked.stderr


STUCK = """
import sys
from tests import suite
suite.STYLE, suite.UNIT = ("true",), "sleep 60"
suite.BED = (sys.executable, "-c", sys.argv[1])
sys.exit(suite.main([]))
"""
INTERRUPTED = """
import pathlib, time
try:
    pathlib.Path({begun!r}).touch()
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path({ended!r}).touch()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on(tmp_path: Path, number: int) -> None:
    """Ctrl-C, or a request to end: what runs is interrupted and can remove its hosts, and the suite ends."""
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    beside = INTERRUPTED.format(begun=str(begun), ended=str(ended))
    process = subprocess.Popen([sys.executable, "-c", STUCK, beside], cwd=ROOT)
    deadline = time.monotonic() + SECONDS
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(SECONDS) == 130
    assert ended.exists()
