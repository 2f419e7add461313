"""Version numbers as distributions write them."""

import pytest

from deployer.text.versions import at_least


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [
        ("24.0", "24.0", True),
        ("24.0.0", "24.0", True),
        ("24", "24.0", False),
        ("26.1.5+dfsg1", "24.0", True),
        ("28.2.2-0ubuntu1", "24.0", True),
        ("v2.40.3", "2.20", True),
        ("2.26.1-4", "2.20", True),
        ("2.9.0", "2.20", False),
        ("20.10.24+dfsg1", "24.0", False),
        ("1.29.2", "2.20", False),
        ("1.27.4", "1.27.4", True),
        ("1.26.3", "1.27.4", False),
        (" 1.30.6\n", "1.27.4", True),
        ("", "24.0", False),
        ("unknown", "24.0", False),
    ],
)
def test_at_least(version: str, minimum: str, expected: bool) -> None:
    """Numbers are compared as numbers, and what a distribution appends does not count."""
    assert at_least(version, minimum) is expected
