"""The digest of the tests itself: it reads no content, so it has to see by other means that a file was written."""

import pytest

from testbed.digest import difference, digest
from tests.host.conftest import Boot

pytestmark = pytest.mark.in_turn

WRITTEN = "cp -p /etc/issue /run/former; cat /run/former >/etc/issue; touch -r /run/former /etc/issue"
REPLACED = "cp -p /etc/debian_version /run/other; cp -p /run/other /etc/.new; mv /etc/.new /etc/debian_version"
CHMOD = "chmod 600 /etc/shells; chmod 644 /etc/shells"


def test_what_was_put_back_is_seen(boot: Boot) -> None:
    """The same content with the same time, a copy in its place, another mode for a moment; and nothing else."""
    host = boot("digested")
    host.wait_settled()
    before = digest(host)
    assert difference(before, digest(host)) == []
    host.exec(f"{WRITTEN}; {REPLACED}; {CHMOD}")
    changed = [line.partition(": ")[0] for line in difference(before, digest(host))]
    assert changed == [f"changed file /etc/{name}" for name in ("debian_version", "issue", "shells")]
