"""The disk gets full at any file that a roll-out writes: what served serves, and the next run brings it to its end."""

import json

import pytest

from deployer.remote.failure import GATE_FAILED
from deployer.remote.release import assets, kept, log, rollout
from deployer.remote.release.history import releases
from tests.unit.remote.full_disk import FULL, MANNERS, NO_FILES, failed_on
from tests.unit.remote.release.conftest import Deployed, target

BOTH = ("backend-api", "demo-wallet")
FILES = range(24)
"""More than a roll-out writes."""


def served(deployed: Deployed) -> set[str]:
    """The images of the containers that the proxy names, all of which run."""
    containers = [deployed.site.containers[name] for name in deployed.serves()]
    assert {each.status for each in containers} == {"running"}
    assert len(containers) == len(BOTH)
    return {each.image.partition(":")[2] for each in containers}


def update(deployed: Deployed) -> None:
    rollout.roll(deployed.host, target(), BOTH)
    rollout.finish(deployed.host, target().services)
    kept.record(deployed.host, target())


def complete(deployed: Deployed) -> None:
    """As the next run does for a release that serves already."""
    rollout.finish(deployed.host, target().services)
    if assets.staged(deployed.host).exists():
        kept.record(deployed.host, target())
    else:
        releases(deployed.host, ("repair",))


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("files", FILES)
def test_update(files: int, manner: str, deployed: Deployed) -> None:
    """One release serves, never a mixture and never none; its log can be read; afterwards an update succeeds."""
    root = deployed.host.config.root_directory
    failure = failed_on(root, files, lambda: update(deployed), manner)
    assert served(deployed) in ({"1"}, {"2"})
    assert (deployed.host.config.root_directory / "docker-compose.yml").read_text() == "docker-compose.yml"
    if failure:
        for line in log.path(deployed.host).read_text().splitlines():
            json.loads(line)
        if served(deployed) == {"1"}:
            update(deployed)
        else:
            complete(deployed)
    assert served(deployed) == {"2"}
    assert sorted(deployed.site.containers) == deployed.serves()
    assert log.current(deployed.host).endswith("-2222222")


@pytest.mark.parametrize("manner", [FULL, NO_FILES])
@pytest.mark.parametrize("files", range(9))
def test_the_configuration_comes_back(files: int, manner: str, deployed: Deployed) -> None:
    """It was written for the release that is refused: putting it back needs no space."""
    for name, path in kept.configuration(deployed.host).items():
        path.write_text(f"{name} of release 2")
    deployed.host.config.environment.write_text(f"A=1\nAPI_SECRET_KEY={'s' * 40}\n")
    deployed.host.config.environment.chmod(0o600)
    failure = failed_on(deployed.host.config.root_directory, files, lambda: update(deployed), manner)
    if served(deployed) == {"1"}:
        assert failure
        assert failure.exit_code == GATE_FAILED
        assert [path.read_text() for path in kept.configuration(deployed.host).values()] == [
            *kept.configuration(deployed.host)
        ]
        update(deployed)
    assert served(deployed) == {"2"}


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("files", range(12))
def test_rollback(files: int, manner: str, deployed: Deployed) -> None:
    """Back to a release that is kept."""
    update(deployed)
    deployed.site.images = {"backend": "app-backend:1", "wallet": "app-wallet:1"}
    root = deployed.host.config.root_directory

    def back() -> None:
        kept.restore(deployed.host, "first")
        rollout.roll(deployed.host, target("1"), BOTH)
        rollout.finish(deployed.host, target("1").services)
        kept.record_restored(deployed.host, target("1"), "first")

    failed_on(root, files, back, manner)
    assert served(deployed) in ({"1"}, {"2"})
    assert (root / ".env").read_text().count("API_SECRET_KEY=" + "s" * 40) == 1
    back()
    assert (served(deployed), log.current(deployed.host)) == ({"1"}, "first")
