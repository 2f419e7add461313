"""What is kept of a release, and what comes back of it."""

import json
import time

import pytest

from deployer.remote.failure import Failure
from deployer.remote.release import assets, kept, log
from tests.unit.remote.release.conftest import Deployed, target


def record(deployed: Deployed, version: str, keep: tuple[str, ...] = ("first",)) -> str:
    assets.keep(deployed.host, target(version))
    kept.record(deployed.host, target(version, keep=keep))
    return log.current(deployed.host)


def test_what_is_kept(deployed: Deployed) -> None:
    """The configuration as it is now, the services, the environment for root alone, and the line of the log."""
    release = record(deployed, "2")
    directory = kept.directory(deployed.host) / release
    assert sorted(path.name for path in directory.iterdir()) == sorted(
        [*kept.configuration(deployed.host), "assets", "environment", "release.json", "services"]
    )
    assert (directory / "environment").stat().st_mode & 0o777 == 0o600
    assert kept.services(deployed.host, release) == target("2").services
    assert json.loads((directory / "release.json").read_text())["id"] == release
    assert not assets.staged(deployed.host).exists()


def test_line(deployed: Deployed) -> None:
    """All that a rollback and people need; a half-written line before it stays a line of its own."""
    with log.path(deployed.host).open("a") as file:
        file.write('{"id": "half')
    release = record(deployed, "2")
    *_, line = log.path(deployed.host).read_text().splitlines()
    found = json.loads(line)
    assert line.startswith(f'{{"id": "{release}", "time": "')
    assert (found["commit"], found["ref"], found["configuration"], found["result"]) == (
        "2" * 40,
        "main",
        "c2",
        "deployed",
    )
    assert found["tags"] == {"backend-api": "app-backend:2", "demo-wallet": "app-wallet:2"}
    assert found["images"]["backend-api"] == "sha256:app-backend:2"
    assert [entry["id"] for entry in log.lines(deployed.host)] == ["first", release]


def test_others_go(deployed: Deployed) -> None:
    """All but those that are named and the new one; what is being made is no release."""
    second = record(deployed, "2")
    time.sleep(1.1)  # ids have seconds
    third = record(deployed, "3", keep=(second,))
    there = {path.name for path in kept.directory(deployed.host).iterdir()}
    assert there == {second, third}


def test_images_of_releases_stay(deployed: Deployed) -> None:
    """Only images that no kept release names are removed, and never the current ones."""
    deployed.site.listing = "".join(f"app-backend:{tag}\n" for tag in ("1", "2", "9", "current"))
    kept.prune(deployed.host, ("first",))
    assert [words for words in deployed.site.calls if words[0] == "rmi"] == [("rmi", "app-backend:2", "app-backend:9")]


class TestRestore:
    def test_configuration(self, deployed: Deployed) -> None:
        """Changed files become those of the release; its images are current; today's secrets stay."""
        compose = kept.configuration(deployed.host)["docker-compose.yml"]
        compose.write_text("changed")
        kept.restore(deployed.host, "first")
        assert compose.read_text() == "docker-compose.yml"
        assert deployed.site.images == {"backend": "app-backend:1", "wallet": "app-wallet:1"}
        assert deployed.host.config.environment.read_text().splitlines() == ["A=1", f"API_SECRET_KEY={'s' * 40}"]

    @pytest.mark.parametrize("release", ["", "never-was"])
    def test_not_kept(self, release: str, deployed: Deployed) -> None:
        """Nothing is touched."""
        before = deployed.host.config.environment.read_text()
        kept.restore(deployed.host, release)
        assert deployed.host.config.environment.read_text() == before
        assert deployed.site.images == {}

    def test_an_image_is_gone(self, deployed: Deployed) -> None:
        """The rollback stops there."""
        deployed.site.fails = ("tag",)
        with pytest.raises(Failure, match="Docker refuses"):
            kept.restore(deployed.host, "first")
