"""script/test, once Python and the tools are there: style, types, unit tests, and tests on throwaway hosts.

The test bed is prepared from the start, beside style, types and the unit tests; its output goes to a file, which is
shown, and followed, after the unit tests. The tests on hosts start then: both fill the processors, and side by side
they would only run into each other's limits of time.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import IO

from tests.plugins.parts import ALL, table, unknown
from tests.plugins.tables import Row, aligned

CHECKED = "deployer testbed tests bench development tasks.py"
STYLE = (f"ruff format --check {CHECKED}", f"ruff check {CHECKED}", "mypy")
"""`invoke check` runs the same, and UNIT; so does .pre-commit-config.yaml, which a test compares with both."""
UNIT = "pytest tests/unit -q -n auto --dist worksteal"
BED = (sys.executable, "-m", "testbed", "prepare")
HOSTS = (sys.executable, "-m", "pytest", "-v", "--dist", "loadgroup", "--durations=25", "--costs")
PLACE = "tests/host"
LOOK_SECONDS = 0.5

USAGE = "script/test [--full[=PART]] [arguments of pytest for the tests on hosts]"
EXPLAINED = f"""\
Without arguments: style, types, unit tests, and the tests on throwaway hosts with what of them is this commit's turn: a
sample of each long matrix, and a sixth of the files marked in_turn. Paths among the arguments take the place of
{PLACE}, and all of their files run.

  --full        all files, every case of the long matrices (some hours), and the tests marked bare
  --full=PART   only the files of that part, wholly, on hosts: no style, no types, no unit tests

A run with --full writes what ran wholly into tests/matrices.jsonl: commit it. The parts:

{table()}

Environment:
  TEST_WORKERS     tests on hosts beside each other (default: one more than there are cores); -n does the same
  SKIP_MISSING=1   skip the tests of tools that cannot be installed, instead of ending with an error
  TEST_HOST_IMAGE  another base of the hosts, such as ubuntu:24.04, where a registry is in reach
"""


@dataclass(frozen=True)
class Phase:
    """What a part of the run took."""

    name: str
    seconds: float
    cpu: float | None = None


@dataclass
class Suite:
    """A run: what is under way, and the phases that are over."""

    log: Path
    """What the bed and the tests on hosts print."""
    phases: list[Phase] = field(default_factory=list)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    may_start_hosts: Event = field(default_factory=Event)
    ended: bool = False

    def run(self, phase: str, *commands: Sequence[str], output: IO[bytes] | None = None) -> bool:
        """Run one command after the other, until one fails; whether none did."""
        started, used, passed = time.monotonic(), 0.0, True
        for command in commands:
            status, cpu = self._one(command, output)
            used += cpu
            passed = passed and status == 0
            if not passed:
                break
        self.phases.append(Phase(phase, time.monotonic() - started, used))
        return passed

    def end(self) -> None:
        """End what runs as Ctrl-C does, so that hosts are removed; nothing else is started."""
        self.ended = True
        self.may_start_hosts.set()
        for process in list(self.running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)

    def _one(self, command: Sequence[str], output: IO[bytes] | None) -> tuple[int, float]:
        """Its status, and the CPU seconds of it and of what it started and waited for."""
        if self.ended:
            return 1, 0.0
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        self.running.append(process)
        if self.ended:  # just now, by another thread
            self.end()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.running.remove(process)
        return process.returncode, used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; 0 if all of it passed."""
    chosen, rest = _parser().parse_known_args(arguments)
    if chosen.help:
        print(f"usage: {USAGE}\n\n{EXPLAINED}", end="")
        return 0
    if wrong := unknown(chosen.full):
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    with TemporaryDirectory() as directory, _until_a_signal(Suite(Path(directory) / "hosts.log")) as suite:
        words = host_tests(chosen.full, rest)
        passed = run_all(suite, words) if chosen.full in {"", ALL} else run_part(suite, words)
        print("\n".join(cost_table(suite.phases)))
    return 0 if passed else 1


def run_part(suite: Suite, tests: Sequence[str]) -> bool:
    """The tests of one part on hosts: what they print is shown as it comes."""
    return suite.run("test bed", BED) and suite.run("tests on hosts", tests)


def run_all(suite: Suite, tests: Sequence[str]) -> bool:
    """Style and types, then the unit tests; meanwhile the bed; then the tests on hosts, also if unit tests failed."""
    suite.log.touch()
    with ThreadPoolExecutor(1) as beside:
        hosts = beside.submit(_run_hosts, suite, tests)
        try:
            passed = _run_style_and_unit(suite)
            if not suite.ended:
                _announce("tests on throwaway hosts")
                _follow(suite.log, hosts)
            return hosts.result() and passed
        finally:
            suite.end()


def host_tests(part: str, arguments: Sequence[str]) -> list[str]:
    """The command of the tests on hosts, given what was asked for."""
    workers = os.environ.get("TEST_WORKERS") or str(len(os.sched_getaffinity(0)) + 1)
    full = [f"--full={part}"] if part else []
    named = any(word.startswith("tests/") for word in arguments)
    places = [] if named else [*([] if part else ["--in-turn"]), PLACE]
    return [*HOSTS, "-n", workers, *full, *places, *arguments]


def cost_table(phases: Sequence[Phase]) -> Iterator[str]:
    """What the phases took; some of them went on beside each other."""
    now, started = time.time(), float(os.environ.get("SUITE_STARTED", "0"))
    rows: list[Row] = [(phase.name, (phase.seconds, phase.cpu)) for phase in phases]
    if started:
        rows.append(("from the start to the end", (now - started, None)))
    yield ""
    yield from aligned("phases (some beside each other)", ("seconds", "client CPU s"), rows)


def _run_style_and_unit(suite: Suite) -> bool:
    _announce("style and types; the test bed is prepared meanwhile")
    if not suite.run("style and types", *(command.split() for command in STYLE)):
        suite.end()
        return False
    _announce("unit tests; the test bed is prepared meanwhile")
    passed = suite.run("unit tests", UNIT.split())
    suite.may_start_hosts.set()
    return passed


def _run_hosts(suite: Suite, tests: Sequence[str]) -> bool:
    with suite.log.open("ab") as output:
        ready = suite.run("test bed", BED, output=output)
        suite.may_start_hosts.wait()
        return ready and not suite.ended and suite.run("tests on hosts", tests, output=output)


def _follow(log: Path, written: "Future[bool]") -> None:
    """Show a file until what writes it has ended."""
    with log.open(errors="replace") as text:
        while True:
            last = written.done()
            print(text.read(), end="", flush=True)
            if last:
                return
            time.sleep(LOOK_SECONDS)


def _announce(text: str) -> None:
    print(f"== {text}", flush=True)


@contextmanager
def _until_a_signal(suite: Suite) -> Iterator[Suite]:
    """Ctrl-C and a request to end are passed on to what runs: each has a session of its own."""
    if setup := os.environ.get("SUITE_STARTED"):
        suite.phases.append(Phase("set-up, tools", time.time() - float(setup)))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        yield suite
    except KeyboardInterrupt:
        suite.end()
        print("ended by a signal", file=sys.stderr)
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, usage=USAGE)
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--full", nargs="?", const=ALL, default="", metavar="PART")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
