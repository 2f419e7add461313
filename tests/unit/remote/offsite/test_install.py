"""Installing credentials, against a real repository."""

from pathlib import Path

import pytest

from deployer.remote.failure import Failure
from deployer.remote.offsite.install import install
from tests.unit.remote.offsite.conftest import PASSWORD, Site, credentials

AWAY = "sftp://127.0.0.1:1//copies"


def contents(site: Site, tmp_path: Path) -> dict[str, bytes]:
    return {
        "the same": credentials(site.repository),
        "another password": credentials(site.repository, "another-0815"),
        "another repository": credentials(tmp_path / "other"),
        "away": credentials(AWAY),
        "away, another password": credentials(AWAY, "another-0815"),
    }


@pytest.mark.parametrize(
    ("present", "new", "taken"),
    [
        ("the same", "the same", True),
        ("the same", "another password", False),
        ("another password", "the same", True),
        ("another repository", "another password", False),
        ("the same", "another repository", True),
        ("the same", "away", True),
        ("away", "away", True),
        ("away", "away, another password", False),
    ],
)
def test_a_password_that_changes(
    pushed: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], present: str, new: str, taken: bool
) -> None:
    """It replaces the one in place only where it is proved to open the repository, or there is none to open."""
    content = contents(pushed, tmp_path)
    pushed.env.write_bytes(content[present])
    try:
        install(pushed.host, content[new])
        refused = ""
    except Failure as failure:
        refused = str(failure)
    assert pushed.env.read_bytes() == content[new if taken else present]
    assert ("restic key passwd" in refused, "is not used" in refused) == (not taken, not taken)
    assert ("does not answer now" in capsys.readouterr().out) == (taken and "away" in new)
    assert PASSWORD not in refused


def test_for_root_alone(site: Site) -> None:
    """The first time, too; the directory of restic's cache as well."""
    site.env.unlink()
    install(site.host, credentials(site.repository))
    assert site.env.stat().st_mode & 0o7777 == 0o600
    assert site.host.config.offsite.stat().st_mode & 0o7777 == 0o700
