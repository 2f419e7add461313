"""The ledger of long matrices: when each last ran wholly, at which commit, and how it went.

`tests/matrices.jsonl` has one line a matrix, its newest whole run; a run with `--full` writes it, to be committed.
Every run shows beside its samples what the ledger says.
"""

import json
import subprocess
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.plugins.matrices import MARKS, MATRICES, Matrix, commit
from tests.plugins.parts import matrix_of

LEDGER = Path(__file__).parents[1] / "matrices.jsonl"
WIDTH = 80
_WORST_FIRST = ("failed", "skipped", "passed")


@dataclass(frozen=True)
class Entry:
    """How a whole run of a matrix went."""

    matrix: str
    date: str
    commit: str
    passed: int
    failed: int
    skipped: int
    total: int


Ledger = dict[str, Entry]


class Outcomes:
    """What became of each case of a matrix, by the id of the test."""

    def __init__(self) -> None:
        self._by_test: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The worst of its phases is a case's outcome; it has one once its call, or its failed set-up, is over."""
        if not any(mark in report.keywords for mark in MARKS):
            return
        if report.when == "call" or report.outcome != "passed":
            known = self._by_test.get(report.nodeid, "passed")
            self._by_test[report.nodeid] = min(known, report.outcome, key=_WORST_FIRST.index)

    def of(self, matrix: str) -> Counter[str]:
        """How many cases of this matrix passed, failed and were skipped."""
        return Counter(outcome for test, outcome in self._by_test.items() if matrix_of(test) == matrix)


OUTCOMES = pytest.StashKey[Outcomes]()


def pytest_configure(config: pytest.Config) -> None:
    """The process that prints the summary counts; its workers do not."""
    if not hasattr(config, "workerinput"):
        config.stash[OUTCOMES] = Outcomes()
        config.pluginmanager.register(config.stash[OUTCOMES], "outcomes of matrices")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write what ran wholly, then show of each matrix of this run its sample and its last whole run."""
    config = terminalreporter.config
    matrices = config.stash.get(MATRICES, {})
    if not matrices or config.getoption("collectonly"):
        return
    if config.getoption("--full") and _whole_files(config):
        record(LEDGER, matrices, config.stash[OUTCOMES])
    terminalreporter.section("long matrices")
    for line in summary(matrices, read(LEDGER), datetime.now(UTC).date()):
        terminalreporter.write_line(line)


def record(path: Path, matrices: Mapping[str, Matrix], outcomes: Outcomes) -> None:
    """Put the matrices of which every case has an outcome into the ledger, in place of what it says of them."""
    now = datetime.now(UTC).date().isoformat()
    at = _described_commit(path)
    new = {name: _entry(name, now, at, outcomes.of(name)) for name in matrices}
    whole = {name: entry for name, entry in new.items() if entry.total == matrices[name].collected}
    if whole:
        path.write_text(written({**read(path), **whole}))


def read(path: Path) -> Ledger:
    """The newest whole run of each matrix; of none where there is no ledger yet."""
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [Entry(**json.loads(line)) for line in lines if line]
    return {entry.matrix: entry for entry in entries}


def written(ledger: Mapping[str, Entry]) -> str:
    """The ledger as its file: a line each, in the order of their names."""
    return "".join(json.dumps(asdict(ledger[name])) + "\n" for name in sorted(ledger))


def summary(matrices: Mapping[str, Matrix], ledger: Mapping[str, Entry], today: date) -> Iterator[str]:
    """For a person: of each matrix when it last ran wholly, and what ran of it now."""
    for name, matrix in sorted(matrices.items()):
        yield f"{name}: {last_whole_run(ledger.get(name), today)}"
        yield from _taken(matrix)


def last_whole_run(entry: Entry | None, today: date) -> str:
    """In words, with its age in days."""
    if entry is None:
        return "never run wholly"
    if entry.passed == entry.total:
        counts = f"all {entry.total} passed"
    else:
        counts = f"{entry.passed} of {entry.total} passed, {entry.failed} failed, {entry.skipped} skipped"
    return f"{counts} {_ago((today - date.fromisoformat(entry.date)).days)} at {entry.commit}"


def _taken(matrix: Matrix) -> list[str]:
    if len(matrix.chosen) == matrix.collected:
        return [f"    all {matrix.collected} chosen"]
    text = f"sample {len(matrix.chosen)} of {matrix.collected}"
    text += f": {', '.join(matrix.chosen)}" if matrix.chosen else ""
    unbroken = textwrap.TextWrapper(WIDTH, "    ", "      ", break_long_words=False, break_on_hyphens=False)
    return unbroken.wrap(text)


def _ago(days: int) -> str:
    words = {0: "today", 1: "yesterday"}
    return words.get(days, f"{days} days ago")


def _entry(matrix: str, when: str, at: str, counts: Counter[str]) -> Entry:
    return Entry(matrix, when, at, counts["passed"], counts["failed"], counts["skipped"], counts.total())


def _whole_files(config: pytest.Config) -> bool:
    """Whether every file that was named was collected wholly: no single tests were, and not what failed last."""
    return not any("::" in argument for argument in config.args) and not config.getoption("lf", default=False)


def _described_commit(ledger: Path) -> str:
    """The commit, short; told apart where the checkout has changes besides the ledger itself."""
    command = ["git", "status", "--porcelain", "--", ":/", f":(exclude){ledger}"]
    asked = subprocess.run(command, cwd=ledger.parent, capture_output=True, text=True, check=False)
    return commit()[:7] + ("+changes" if asked.stdout.strip() else "")
