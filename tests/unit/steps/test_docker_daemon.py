"""3.2 Configure Docker."""

import json

import pytest

from deployer.engine.changes import Stop, WriteFiles
from deployer.engine.facts import Answer
from deployer.steps import docker_daemon
from tests.support.fakes import inventory, planned, script_of

from .hosts import converged, drifted

HOST = inventory()
WRITE = "write /etc/docker/daemon.json"
RESTART = "restart Docker with its new configuration"


def test_other_settings_are_kept() -> None:
    """What stands in the file and is not ours stays; the difference shows what comes."""
    answers = {**converged(docker_daemon, HOST), "file": '{"data-root": "/srv/docker"}'}
    write, restart = planned(docker_daemon, HOST, answers)
    assert isinstance(write, WriteFiles)
    assert json.loads(write.files[0].content) == {"data-root": "/srv/docker", **docker_daemon.settings(HOST)}
    assert '+  "live-restore": true' in write.diff
    assert "dockerd --validate" in write.check
    assert script_of(restart) == "systemctl restart docker.service"


@pytest.mark.parametrize(
    ("key", "value"),
    [("log-driver", "journald"), ("log-opts", {"max-size": "100m"}), ("live-restore", False)],
)
def test_setting_differs(key: str, value: object) -> None:
    """A log that may grow, or containers that do not survive a restart: mended."""
    file = json.dumps({**docker_daemon.settings(HOST), key: value})
    assert drifted(docker_daemon, HOST, file=file) == [WRITE, RESTART]


def test_mirrors() -> None:
    """From the inventory."""
    host = inventory(docker={"registry_mirrors": ["https://m.example.com"], "insecure_registries": ["10.0.0.5:5000"]})
    settings = docker_daemon.settings(host)
    assert settings["registry-mirrors"] == ["https://m.example.com"]
    assert settings["insecure-registries"] == ["10.0.0.5:5000"]


@pytest.mark.parametrize("text", ["{", "[]", "nonsense", '"text"'])
def test_no_json(text: str) -> None:
    """A file that nobody can read is not overwritten: a stop."""
    with pytest.raises(Stop) as caught:
        drifted(docker_daemon, HOST, file=text)
    assert "fix or remove /etc/docker/daemon.json on the host" in caught.value.problems[0].remedy


def test_not_read_yet() -> None:
    """A run that was broken off between the file and the restart is completed."""
    assert drifted(docker_daemon, HOST, stale="stale") == [RESTART]


def test_stopped() -> None:
    """Docker is started; what it alone could tell (its images) is not waited for."""
    silent = Answer("", 1, "Cannot connect to the Docker daemon")
    assert drifted(docker_daemon, HOST, active="inactive", image=silent) == ["start Docker"]


@pytest.mark.parametrize("state", ["disabled", "masked"])
def test_not_at_boot(state: str) -> None:
    """It is enabled."""
    assert drifted(docker_daemon, HOST, enabled=state) == ["start Docker at boot"]


def test_not_in_the_group() -> None:
    """The operator may use docker without sudo, as in the guide; root needs no group."""
    assert drifted(docker_daemon, HOST, groups="deploy sudo") == ["add deploy to the group docker"]
    assert drifted(docker_daemon, inventory(ssh={"address": "203.0.113.10", "user": "root"}), groups="root") == []


def test_image_is_missing() -> None:
    """It is pulled, run, and its version checked."""
    (why,) = drifted(docker_daemon, HOST, image="")
    assert why == "pull nginx:alpine, and check that Docker runs it and that it is nginx 1.27.4 or later"
