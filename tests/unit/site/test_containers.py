"""The containers as the survey asks for them, with real bash and the real host program."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from deployer.engine.facts import Unknown
from deployer.inventory.model import Inventory
from deployer.site.compose import BACKEND, DATABASE, PROXY
from deployer.site.containers import ask_containers, containers, is_running
from tests.support.fakes import asked_here, inventory
from tests.unit.remote.daemon import serving
from tests.unit.remote.inspecting import provisioned, recorded
from tests.unit.remote.installed import install
from tests.unit.steps.hosts import container


def asked(host: Inventory) -> str:
    return asked_here({"it": ask_containers(host)})["it"]


@pytest.fixture
def host(tmp_path: Path) -> Inventory:
    """Of a root directory without anything."""
    return provisioned(tmp_path)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A daemon with the recorded containers, and a docker that lists them."""
    directory = tmp_path / "docker"
    directory.mkdir()
    (directory / "docker").write_text('#!/bin/sh\ncat "$0-$1" 2>/dev/null\n')
    (directory / "docker").chmod(0o755)
    (directory / "docker-ps").write_text("".join(f"{item['Id']}\n" for item in recorded()["containers"]))
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    with serving(tmp_path / "docker.sock") as daemon:
        daemon.has(recorded())
        monkeypatch.setenv("DOCKER_HOST", f"unix://{daemon.path}")
        yield directory


def test_as_they_run(host: Inventory, docker: Path) -> None:
    """By the host program, from beginning to end."""
    install(host)
    found = {item.service: item for item in containers(host, asked(host))}
    assert found[BACKEND].name == "biometric-did-backend-api-2"
    assert (found[BACKEND].state, found[BACKEND].health, found[PROXY].health) == ("running", "healthy", "")


@pytest.mark.parametrize("program", [b"", b"import sys; sys.exit('no verb' and 2)"])
def test_without_the_program(host: Inventory, docker: Path, program: bytes) -> None:
    """Before it is there, or while it is an older one, the containers are unknown: never absent."""
    if program:
        install(host, program)
    with pytest.raises(Unknown, match="the host program is not in place yet"):
        asked(host)


def test_none_without_the_program(host: Inventory, docker: Path) -> None:
    """A host without containers says so by itself."""
    (docker / "docker-ps").write_text("")
    assert containers(host, asked(host)) == ()


def test_paused_for_a_backup() -> None:
    """Docker calls a container unhealthy that was just paused: without a failed check it is not."""
    host = inventory()
    line = container(host, BACKEND, health="unhealthy")
    assert containers(host, line)[0].health == "unhealthy"
    assert containers(host, line.replace('"FailingStreak": 1', '"FailingStreak": 0'))[0].health == "healthy"


def test_a_service_that_is_no_more() -> None:
    """It is listed, and compared with nothing."""
    line = container(inventory(postgres={"enabled": True}), DATABASE, restart="no")
    host = inventory().model_copy(update={"root": PurePosixPath("/elsewhere")})
    assert containers(host, line)[0].differences == ()


def test_is_running() -> None:
    """Only a container that runs counts."""
    found = containers(inventory(), container(inventory(), PROXY) + container(inventory(), BACKEND, state="exited"))
    assert is_running(found, PROXY)
    assert not is_running(found, BACKEND)
