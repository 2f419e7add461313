"""The host of the tests of the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fakes import Bed, bed


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Bed]:
    """This machine as a host of a name of its own."""
    with bed(tmp_path) as made:
        yield made
