"""What all tests share: the option --full, and the sample of a long matrix that CI runs without it."""

import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)  # a busy machine is no mistake of the code
settings.load_profile("here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="every case of the long matrices, not a rotating sample")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a file's cases marked `full` keep a fifth, at least three, chosen by the commit; none marked `bare`."""
    if config.getoption("--full"):
        return
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("full"):
            by_file.setdefault(item.path, []).append(item)
    left_out = [item for cases in by_file.values() for item in _left_out(cases)]
    left_out += [item for item in items if item.get_closest_marker("bare")]
    for item in left_out:
        items.remove(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)


def _left_out(cases: list[pytest.Item]) -> list[pytest.Item]:
    wanted = max(3, -(-len(cases) // 5))
    start = zlib.crc32(_commit().encode()) % len(cases)
    kept = {(start + number * len(cases) // wanted) % len(cases) for number in range(wanted)}
    return [case for number, case in enumerate(cases) if number not in kept]


def _commit() -> str:
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()
