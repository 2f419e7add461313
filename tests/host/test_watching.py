"""The watcher of the tests itself: what it says of secrets counts only if no process is too short for it."""

from pathlib import Path

import pytest

from tests.host.conftest import Boot
from tests.support.watching import watched

pytestmark = pytest.mark.in_turn

SHORT = 50
LEAST_SEEN = 25
"""Of so many processes of about a millisecond: where all cores are busy some are gone before they are read."""
LONG_ENOUGH = "0.3"
"""Seconds: where the watcher only looks now and then, it still sees what takes as long as this."""


def test_short_processes_are_seen(boot: Boot, tmp_path: Path) -> None:
    """Arguments and environment of processes that end at once; not the environment of the machine's own."""
    host = boot("watched")
    with watched(host, tmp_path / "seen") as manner:
        host.exec(f"for number in $(seq {SHORT}); do /bin/true short-$number-lived; done")
        host.exec(f"SECRET_OF=environment sleep {LONG_ENOUGH}; exec sleep 0{LONG_ENOUGH}")
    seen = (tmp_path / "seen").read_text()
    count = sum(f"/bin/true short-{number}-lived" in seen for number in range(1, SHORT + 1))
    print(f"\n{manner}: {count} of {SHORT} short processes were seen")
    assert f"cmdline sleep {LONG_ENOUGH}" in seen
    assert f"cmdline sleep 0{LONG_ENOUGH}" in seen
    assert "SECRET_OF=environment" in seen
    assert "PYTEST_CURRENT_TEST" not in seen
    if manner == "looks":
        pytest.skip("the kernel tells nothing of processes here: those of a millisecond are not all seen")
    assert count >= LEAST_SEEN
