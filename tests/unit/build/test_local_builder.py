"""Builds on the operator's machine: the host's own functions, with real git and a Docker that answers."""

from pathlib import Path

import pytest

from deployer.build import local_builder
from deployer.build.local_builder import LocalBuilder
from deployer.engine.changes import Send
from deployer.errors import DeployerError
from deployer.remote.process import Result
from deployer.steps import images
from tests.support.fakes import Recorder, inventory, planned
from tests.unit.remote.build.repositories import commit
from tests.unit.remote.conftest import FakeDocker
from tests.unit.steps.hosts import converged


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LocalBuilder, Send]:
    """What a host asks for whose images are to be built here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wanted = commit(tmp_path / "origin", **{"Dockerfile.backend": "FROM x", "demo-wallet__package.json": "{}"})
    host = inventory(source={"repository": str(tmp_path / "origin")}, build={"where": "operator"})
    answers = {**converged(images, host), "images": "", "commit": wanted, "machine": "x86_64", "held": ""}
    send = planned(images, host, answers)[0]
    assert isinstance(send, Send)
    (tmp_path / "work").mkdir()
    return LocalBuilder(host, Recorder()), send


def test_both_are_built(built: tuple[LocalBuilder, Send], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the tool's files next to them, for the host's kind of machine, without the limits of a host."""
    builder, send = built
    docker = FakeDocker(outputs={"buildx": "#1 done\n"})
    monkeypatch.setattr(local_builder, "command", docker)
    builder._build(send, tmp_path / "work")
    assert [f"--tag {image} " in " ".join(call) for image, call in zip(send.images, docker.calls, strict=True)] == [
        True,
        True,
    ]
    for call in docker.calls:
        assert "--platform linux/amd64" in " ".join(call)
        assert "--cgroup-parent" not in call
    assert {file.path.name for file in send.files} == {path.name for path in (tmp_path / "work" / "tool").iterdir()}
    assert "#1 done" in getattr(builder.report, "lines", [])


def test_failed(built: tuple[LocalBuilder, Send], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of what it printed, and the reason, are in the error."""
    builder, send = built
    printed = "".join(f"#{number}\n" for number in range(100)).encode()
    monkeypatch.setattr(local_builder, "command", FakeDocker(answer=lambda words: Result(1, printed)))
    with pytest.raises(DeployerError, match=f"build {send.images[0]}: failed on this machine") as failed:
        builder._build(send, tmp_path / "work")
    lines = failed.value.context.output.splitlines()
    assert lines[-2:] == ["#99", "the image could not be built: docker buildx build ended with exit code 1"]
    assert lines[0] == "#60"
    assert failed.value.context.exit_code == 1
