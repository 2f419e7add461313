"""3.4 Docker Compose configuration."""

from deployer.engine.changes import WriteFiles
from deployer.steps import compose
from tests.support.fakes import inventory, planned

from .hosts import converged, drifted

HOST = inventory()
OTHER = "regular file/644/root:root\n0123\nsomething else\n"


def test_edited_by_hand() -> None:
    """It is written anew, after `docker compose config` has taken it; the difference is shown."""
    (change,) = planned(compose, HOST, {**converged(compose, HOST), "compose": OTHER})
    assert isinstance(change, WriteFiles)
    assert change.why == "write /opt/biometric-did/docker-compose.yml (content differs)"
    assert "config -q" in change.check
    assert "-something else" in change.diff


def test_mode() -> None:
    """A file that others may write is closed."""
    told = converged(compose, HOST)["compose"].replace("/644/", "/666/")
    assert drifted(compose, HOST, compose=told) == [
        "set /opt/biometric-did/docker-compose.yml to 0644 root:root (is 0666 root:root)"
    ]
