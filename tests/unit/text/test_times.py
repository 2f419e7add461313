"""How long ago something was, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from deployer.text.times import ago

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds ago"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "60 seconds ago"),
        (119, "119 seconds ago"),
        (120, "2 minutes ago"),
        (7_199, "119 minutes ago"),
        (7_200, "2 hours ago"),
        (86_400, "24 hours ago"),
        (86_400 * 400, "400 days ago"),
    ],
)
def test_words(seconds: int, words: str) -> None:
    """A host whose clock is ahead is not in the future."""
    assert ago((NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"), NOW) == words


def test_no_time() -> None:
    assert ago("", NOW) == ""
