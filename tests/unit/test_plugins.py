"""The plugins of the test run: samples, parts, the ledger, and what a run cost."""

import ast
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from testbed import cpu
from tests.plugins import ledger, matrices, parts, tables, turns

pytest_plugins = ["pytester"]

TESTS = Path(__file__).parents[1]
TODAY = date(2026, 5, 4)
ENTRY = ledger.Entry("long", "2026-05-01", "1a2b3c4", passed=67, failed=0, skipped=0, total=67)
CASES = """
import pytest

@pytest.mark.full{arguments}
@pytest.mark.parametrize("case", range(20))
def test_long(case):
    assert case != {failing}

def test_short():
    pass
"""

PLUGINS = 'pytest_plugins = ["tests.plugins.matrices", "tests.plugins.ledger", "tests.plugins.costs"]'

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest, with the plugins and a ledger of its own, on a file with a matrix of 20 and one more test."""
    monkeypatch.setattr(ledger, "LEDGER", pytester.path / "matrices.jsonl")
    monkeypatch.setattr(parts, "PARTS", {"mine": ("mine",), "others": ("others",)})
    pytester.makeconftest(PLUGINS)
    pytester.makeini("[pytest]\nmarkers =\n  full: part of a long matrix\n  in_turn: a sixth")

    def start(*words: str, arguments: str = "", failing: int = -1) -> pytest.RunResult:
        text = CASES.format(arguments=arguments, failing=failing)
        pytester.makepyfile(test_mine=text, test_others="def test_other(): pass")
        return pytester.runpytest_inprocess(*words)

    return start


@pytest.fixture(params=[(), ("-n", "2")], ids=["one process", "two workers"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Without and with processes beside each other: the same is counted."""
    words: tuple[str, ...] = request.param
    return words


@pytest.mark.parametrize(
    ("count", "share", "taken"),
    [(67, None, 14), (67, 0.1, 7), (15, None, 3), (7, None, 3), (7, 0.1, 1), (2, None, 2), (2, 0.5, 1), (0, None, 0)],
)
def test_share(count: int, share: float | None, taken: int) -> None:
    """A share is rounded up, and never more than there are; without one it is a fifth, at least three cases."""
    assert len(matrices.sample(count, share, "1a2b3c4")) == taken


def test_rotation() -> None:
    """Over some commits every case has its turn, and the same commit takes the same ones."""
    samples = [matrices.sample(67, 0.1, f"commit {number}") for number in range(100)]
    assert frozenset[int]().union(*samples) == frozenset(range(67))
    assert samples[3] == matrices.sample(67, 0.1, "commit 3")


def test_smallest_share() -> None:
    """The smallest share that a mark of the file names is the file's."""
    assert matrices.smallest_share([{}, {"share": 0.5}, {"share": 0.1}]) == 0.1
    assert matrices.smallest_share([{}, {}]) is None


def marks_a_matrix(path: Path) -> bool:
    """Whether a test file marks a case `full` or `bare`."""
    attributes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
    return any(node.attr in matrices.MARKS and ast.unparse(node.value) == "pytest.mark" for node in attributes)


MARKED = [path for path in sorted((TESTS / "host").rglob("test_*.py")) if marks_a_matrix(path)]


@pytest.mark.parametrize("path", MARKED, ids=lambda path: path.stem)
def test_every_matrix_is_in_one_part(path: Path) -> None:
    """`--full=PART` over all parts runs each long matrix exactly once."""
    assert sum(files.count(parts.matrix_of(str(path))) for files in parts.PARTS.values()) == 1


def test_matrices_have_names_of_their_own() -> None:
    """Two files with matrices of the same name would be one line of the ledger."""
    names = [parts.matrix_of(str(path)) for path in MARKED]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted({name for files in parts.PARTS.values() for name in files}))
def test_parts_name_files(name: str) -> None:
    """A part names only files that there are, wherever they lie under tests/host, and each in one part."""
    assert len(list((TESTS / "host").rglob(f"test_{name}.py"))) == 1
    assert sum(files.count(name) for files in parts.PARTS.values()) == 1


def test_unknown_part(run: Run) -> None:
    """A part that does not exist is an error of usage that lists those there are."""
    result = run("--full=nothing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--full=nothing: there is no such part*", "  mine *", "  others *"])


@pytest.mark.parametrize(("arguments", "taken"), [("(share=0.1)", 2), ("(share=0.5)", 10)])
def test_named_share(run: Run, arguments: str, taken: int) -> None:
    """A mark can name the share of its file."""
    assert run(arguments=arguments).parseoutcomes()["passed"] == taken + 2


def test_sample(run: Run, workers: tuple[str, ...]) -> None:
    """Without --full a fifth of the matrix runs, and the summary names it; other tests all run."""
    taken = 4
    result = run(*workers)
    assert result.parseoutcomes()["passed"] == taken + 2
    result.stdout.fnmatch_lines(["mine: never run wholly", f"    sample {taken} of 20: test_long[[]*"])


def test_turns_are_of_equal_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest file first, each to the turn with the least to do."""
    monkeypatch.setattr(turns, "TURNS", 4)
    dealt = turns.dealt({"a": 9.0, "b": 5.0, "c": 4.0, "d": 4.0, "e": 3.0})
    assert dealt == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 2}


def test_in_turn(pytester: pytest.Pytester, run: Run, workers: tuple[str, ...]) -> None:
    """Of as many files as there are turns a commit runs one; without the option, and with --full, all of them run."""
    text = "import pytest\npytestmark = pytest.mark.in_turn\ndef test_one(): pass\n"
    pytester.makepyfile(**{f"test_{number}": text for number in range(turns.TURNS)})
    assert run(*workers, "--in-turn").parseoutcomes()["passed"] == 1 + 4 + 2
    assert run(*workers).parseoutcomes()["passed"] == turns.TURNS + 4 + 2
    assert run("--full", "--in-turn", *workers).parseoutcomes()["passed"] == turns.TURNS + 20 + 2


def test_full(run: Run, workers: tuple[str, ...]) -> None:
    """With --full all runs, and each matrix has its counts in the ledger."""
    result = run("--full", *workers, failing=7)
    assert result.parseoutcomes() == {"passed": 21, "failed": 1}
    entry = ledger.read(ledger.LEDGER)["mine"]
    assert (entry.passed, entry.failed, entry.skipped, entry.total) == (19, 1, 0, 20)
    result.stdout.fnmatch_lines(["mine: 19 of 20 passed, 1 failed, 0 skipped today at*", "    all 20 chosen"])


def test_part(run: Run) -> None:
    """With --full=PART only the files of that part run, wholly."""
    assert run("--full=mine").parseoutcomes() == {"passed": 21, "deselected": 1}
    assert run("--full=others").parseoutcomes() == {"passed": 1, "deselected": 21}
    assert ledger.read(ledger.LEDGER)["mine"].passed == 20


@pytest.mark.parametrize(
    "words", [("-k", "not 3"), ("test_mine.py::test_long",), ("-x",), ("--collect-only",)], ids=str
)
def test_not_wholly(run: Run, words: tuple[str, ...]) -> None:
    """A run that leaves out a case, or ends early, writes no ledger."""
    run("--full", *words, failing=2)
    assert not ledger.LEDGER.exists()


def test_costs(run: Run, workers: tuple[str, ...]) -> None:
    """With --costs the summary shows each file's wall time and CPU seconds, and their sum."""
    result = run("--costs", *workers)
    result.stdout.fnmatch_lines(
        ["dearest files *wall s*client CPU s*", "mine *0 *0 *0", "all files, with pytest itself*"]
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-05-04", "today"), ("2026-05-03", "yesterday"), ("2026-05-01", "3 days ago")],
)
def test_age(day: str, words: str) -> None:
    """The ledger's line for a person says how old the last whole run is."""
    entry = ledger.Entry("long", day, "1a2b3c4", passed=67, failed=0, skipped=0, total=67)
    assert ledger.last_whole_run(entry, TODAY) == f"all 67 passed {words} at 1a2b3c4"


def test_ledger_keeps_one_line_a_matrix(tmp_path: Path) -> None:
    """What is written is read again, in the order of names, and the newest of a matrix stands for it."""
    other = ledger.Entry("early", "2026-04-01", "5d6e7f8", passed=3, failed=1, skipped=0, total=4)
    path = tmp_path / "matrices.jsonl"
    path.write_text(ledger.written({"long": ENTRY, "early": other}))
    assert list(ledger.read(path).values()) == [other, ENTRY]
    assert len(path.read_text().splitlines()) == 2


def test_the_ledger_can_be_read() -> None:
    """What is committed is a ledger, of matrices that there are."""
    names = {parts.matrix_of(str(path)) for path in MARKED}
    assert ledger.read(ledger.LEDGER).keys() <= names


def test_a_table_fits() -> None:
    """Whatever the names, a line has at most 80 columns, and the numbers stand below their heads."""
    rows: list[tables.Row] = [("x" * 100, (1234.5, None)), ("y", (1.0, 22.0))]
    lines = list(tables.aligned("files", ("wall s", "CPU s"), rows))
    assert max(len(line) for line in lines) <= 80
    assert lines[2].endswith("             1            22")


def test_cpu_of_groups() -> None:
    """Both kinds of control groups are read as seconds."""
    assert cpu.of_stat("usage_usec 1500000\nuser_usec 1\n") == 1.5
    assert cpu.of_usage("2500000000\n") == 2.5
    assert cpu.cpu_seconds("no such container", "no-such-host") == 0
