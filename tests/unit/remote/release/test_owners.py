"""The user of an image, found in its own files, which may be anything."""

import pytest

from deployer.remote.failure import Failure
from deployer.remote.release import owners
from tests.unit.remote.release.conftest import Deployed
from tests.unit.remote.release.test_assets import pages


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("root:x:0:0:r:/:/bin/sh\n", "runs as app, whom its /etc/passwd does not have"),
        ("link", "runs as app, whom its /etc/passwd does not have"),
        ("x" * (2 << 20), "/etc/passwd of the image is larger than 1 MiB"),
    ],
)
def test_not_found(content: str, reason: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's line, a link to the host's file, or a file without end: refused, and nothing is given away."""
    before = [(deployed.host.config.root_directory / name) for name in ("logs", "data")]
    for directory in before:
        directory.mkdir()
    deployed.site.pages = pages(("passwd", content))
    deployed.site.user = "app"
    with pytest.raises(Failure, match=reason):
        owners.give_directories(deployed.host, "app-backend:1")
    assert {path.stat().st_uid for path in before} == {0}
    assert not owners.memory(deployed.host).exists()
