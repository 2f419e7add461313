"""Long matrices: all cases with `--full`, or those of one part with `--full=PART`; else a sample of each file.

The cases of a file that are marked `full` are one matrix. A run without `--full` takes a fifth of it and at least three
cases, or the smallest `share` that one of its marks names; which ones rotates with the commit. Cases marked `bare` are
in no sample. With `--in-turn`, of the files marked `in_turn` only those run whose turn it is with this commit.
"""

import subprocess
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.plugins.durations import known_seconds
from tests.plugins.parts import ALL, matrix_of, runs_in, unknown
from tests.plugins.turns import waiting

SHARE = 0.2
AT_LEAST = 3
"""Cases of a file whose marks name no share."""
IN_TURN = "in_turn"
MARKS = ("full", "bare", IN_TURN)


@dataclass(frozen=True)
class Matrix:
    """What was collected of a file's marked cases, and what of it runs."""

    collected: int
    chosen: tuple[str, ...] = ()


MATRICES = pytest.StashKey[dict[str, Matrix]]()
Cases = dict[str, list[pytest.Item]]


@dataclass(frozen=True)
class Selection:
    """The cases of a run that are left out, and how many cases each matrix has."""

    left_out: list[pytest.Item] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full` and `--full=PART`, `--in-turn`."""
    explained = "every case of the long matrices (of one part), not a sample that rotates with the commit"
    parser.addoption("--full", nargs="?", const=ALL, default="", metavar="PART", help=explained)
    explained = "leave out files marked in_turn whose turn it is not with this commit"
    parser.addoption("--in-turn", action="store_true", help=explained)


def pytest_configure(config: pytest.Config) -> None:
    """A part that does not exist ends the run."""
    if wrong := unknown(config.getoption("--full")):
        raise pytest.UsageError(wrong)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run does not take, before others choose among the rest."""
    selection = select(items, config.getoption("--full"), commit(), in_turn=config.getoption("--in-turn"))
    config.stash[MATRICES] = {name: Matrix(size) for name, size in selection.sizes.items()}
    gone = set(selection.left_out)
    items[:] = [item for item in items if item not in gone]
    if gone:
        config.hook.pytest_deselected(items=selection.left_out)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember which cases run, whoever else left some out."""
    matrices = session.config.stash.get(MATRICES, {})
    chosen = marked(session.items)
    for name, matrix in matrices.items():
        names = tuple(item.name for item in chosen.get(name, []))
        matrices[name] = Matrix(matrix.collected, names)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the process that prints the summary what it collected: all collect the same."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        found = session.config.stash.get(MATRICES, {})
        told["matrices"] = {name: [matrix.collected, *matrix.chosen] for name, matrix in found.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take what a worker told."""
    told: dict[str, list[int | str]] = getattr(node, "workeroutput", {}).get("matrices", {})
    config: pytest.Config = node.config  # type: ignore[attr-defined]  # xdist's controller of a worker
    if told:
        config.stash[MATRICES] = {
            name: Matrix(int(size), tuple(str(name) for name in chosen)) for name, (size, *chosen) in told.items()
        }


def select(items: Sequence[pytest.Item], part: str, seed: str, *, in_turn: bool = False) -> Selection:
    """Given all collected tests, a part (or none) and a commit, say which ones do not run."""
    elsewhere = [item for item in items if not runs_in(part, matrix_of(item.nodeid))]
    gone = set(elsewhere)
    cases = marked(item for item in items if item not in gone)
    left_out = [] if part else list(_not_this_time(cases, seed, in_turn))
    return Selection(elsewhere + left_out, {name: len(matrix) for name, matrix in cases.items()})


def marked(items: Iterable[pytest.Item]) -> Cases:
    """The cases marked full or bare, by file."""
    found: Cases = {}
    for item in items:
        if any(item.get_closest_marker(name) for name in MARKS):
            found.setdefault(matrix_of(item.nodeid), []).append(item)
    return found


def sample(count: int, share: float | None, seed: str) -> frozenset[int]:
    """Of so many cases, the places of those that run: evenly spread, from a place that the seed gives."""
    least, wanted = (AT_LEAST, SHARE) if share is None else (1, share)
    taken = min(count, max(least, -(-round(count * wanted * 1000) // 1000)))
    start = zlib.crc32(seed.encode()) % max(count, 1)
    return frozenset((start + number * count // taken) % count for number in range(taken))


def smallest_share(marks: Iterable[Mapping[str, object]]) -> float | None:
    """The share of a file, given the arguments of all its marks; none where none names one."""
    return min((float(str(arguments["share"])) for arguments in marks if "share" in arguments), default=None)


def _not_this_time(cases: Cases, seed: str, in_turn: bool) -> Iterator[pytest.Item]:
    """What neither the samples nor, where files run in turn, this commit's turn have."""
    sampled = {item for matrix in cases.values() for item in _outside_the_sample(matrix, seed)}
    yield from sampled
    if in_turn:
        rest = [item for matrix in cases.values() for item in matrix if item not in sampled]
        yield from waiting([item for item in rest if item.get_closest_marker(IN_TURN)], known_seconds(), seed)


def _outside_the_sample(matrix: list[pytest.Item], seed: str) -> Iterator[pytest.Item]:
    yield from (item for item in matrix if item.get_closest_marker("bare"))
    cases = [item for item in matrix if item.get_closest_marker("full") and not item.get_closest_marker("bare")]
    share = smallest_share(mark.kwargs for item in cases for mark in item.iter_markers("full"))
    taken = sample(len(cases), share, seed)
    yield from (item for place, item in enumerate(cases) if place not in taken)


def commit() -> str:
    """The commit of this checkout, empty where git cannot say."""
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()
