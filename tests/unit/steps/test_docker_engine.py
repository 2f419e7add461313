"""3.1 Install Docker."""

import pytest

from deployer.engine.changes import Stop
from deployer.steps import docker_engine
from tests.support.fakes import inventory, planned, script_of, whys

from .hosts import DEBIAN, UBUNTU, drifted, fresh

HOST = inventory()
OWN = "install docker-ce, docker-ce-cli, containerd.io, docker-buildx-plugin, docker-compose-plugin"
SOURCES = "write /etc/apt/sources.list.d/docker.list"


def test_absent() -> None:
    """Docker's own repository of the host's distribution: key, source, packages."""
    for told, name in ((DEBIAN, "debian"), (UBUNTU, "ubuntu")):
        found = whys(planned(docker_engine, HOST, {**fresh(docker_engine, HOST), "os": told}))
        key = f"fetch Docker's signing key from https://download.docker.com/linux/{name}/gpg"
        assert found == [key, SOURCES, OWN]


def test_key_is_there() -> None:
    """It is not fetched again, and nothing asks whether to overwrite it (F16)."""
    assert drifted(docker_engine, HOST, engine="", compose="") == [SOURCES, OWN]


def test_compose_is_missing() -> None:
    """An engine without Compose is completed."""
    assert drifted(docker_engine, HOST, compose="") == [SOURCES, OWN]


def test_source_entry() -> None:
    """Signed by that key alone, for the host's architecture and release; the inventory's mirror where there is one."""
    host = inventory(
        docker={"apt_repository": "https://mirror.example.com/docker", "apt_key": "https://mirror.example.com/k"}
    )
    found = planned(docker_engine, host, fresh(docker_engine, host))
    assert whys(found)[0] == "fetch Docker's signing key from https://mirror.example.com/k"
    entry = "deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] https://mirror.example.com/docker trixie stable"
    assert entry in script_of(found[1])


class TestDistribution:
    HOST = inventory(docker={"packages": "distribution"})

    def found(self, told: str) -> list[str]:
        return whys(planned(docker_engine, self.HOST, {**fresh(docker_engine, self.HOST), "os": told}))

    def test_names(self) -> None:
        """Debian and Ubuntu name Compose differently."""
        assert self.found(DEBIAN) == ["install docker.io, docker-cli, docker-buildx, docker-compose"]
        assert self.found(UBUNTU) == ["install docker.io, docker-buildx, docker-compose-v2"]

    def test_debian_12(self) -> None:
        """Its Docker is below the guide's minimum: a stop that says what to set instead."""
        with pytest.raises(Stop) as caught:
            self.found('ID=debian\nVERSION_ID="12"\n')
        (problem,) = caught.value.problems
        assert "20.10" in problem.text
        assert 'packages = "docker"' in problem.remedy


@pytest.mark.parametrize(
    ("engine", "compose", "named"),
    [
        ("20.10.24", "2.40.3", ["Docker engine 20.10.24 is installed; the guide requires 24.0"]),
        ("29.1.3", "2.17.2", ["Docker compose 2.17.2 is installed; the guide requires 2.20"]),
        ("20.10.24", "2.17.2", ["Docker engine 20.10.24", "Docker compose 2.17.2"]),
    ],
)
def test_too_old(engine: str, compose: str, named: list[str]) -> None:
    """An old Docker is not upgraded behind its owner's back: that restarts containers. A stop with what to do."""
    with pytest.raises(Stop) as caught:
        drifted(docker_engine, HOST, engine=engine, compose=compose)
    for problem, text in zip(caught.value.problems, named, strict=True):
        assert problem.text.startswith(text)
        assert "upgrade Docker" in problem.remedy


@pytest.mark.parametrize(("engine", "compose"), [("24.0.0", "2.20.0"), ("26.1.5+dfsg1", "2.26.1-4")])
def test_new_enough(engine: str, compose: str) -> None:
    """Whoever installed it."""
    assert drifted(docker_engine, HOST, engine=engine, compose=compose) == []
