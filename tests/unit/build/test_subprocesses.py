"""Commands on the operator's machine, and the question whether it can build."""

import os
import select
import time
from pathlib import Path

import pytest

from deployer.build import local_docker as docker
from deployer.build.subprocesses import run
from deployer.errors import DeployerError, UsageError


def test_lines_are_told() -> None:
    """Both outputs, line by line; the last ones are given back."""
    told: list[str] = []
    words = ("bash", "-c", "echo one; echo two >&2; read -r word || echo nothing; echo $MORE")
    assert run(words, "it", limit=10, show=told.append, environ={"MORE": "more"}) == tuple(told)
    assert told == ["one", "two", "nothing", "more"]


def test_failure() -> None:
    """With the last lines and the exit code."""
    with pytest.raises(DeployerError, match="build it: failed on this machine") as failed:
        run(("bash", "-c", "seq 100; exit 7"), "build it", limit=10, show=lambda line: None)
    assert failed.value.context.exit_code == 7
    assert failed.value.context.output.splitlines()[-1] == "100"
    assert len(failed.value.context.output.splitlines()) == 40


@pytest.mark.parametrize("broken_off", [True, False])
def test_nothing_goes_on(broken_off: bool, tmp_path: Path) -> None:
    """At the limit, and when the run is broken off, what the command started ends too."""
    script = f"sleep 300 & echo $! >{tmp_path}/pid; echo ready; wait; sleep 300"

    def show(line: str) -> None:
        if broken_off:
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises((DeployerError, KeyboardInterrupt)):
        run(("bash", "-c", script), "it", limit=1, show=show)
    assert time.monotonic() - began < 10
    assert ends(int((tmp_path / "pid").read_text()))


def ends(pid: int) -> bool:
    """Whether it is gone, or goes within seconds: it was told to, and a busy machine may let it die later."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


DOCKER = """\
#!/bin/sh
case "$*" in
  version*) %s ;;
  "buildx version") %s ;;
esac
"""


@pytest.mark.parametrize(
    ("version", "buildx", "said"),
    [
        ("echo 26.1.5+dfsg1", "echo ok", ""),
        ("exit 1", "echo ok", "Docker does not answer on this machine"),
        ("echo 20.10.24", "echo ok", "Docker 20.10.24 on this machine is too old; 23 is required"),
        ("echo 26.1.5", "exit 1", "Docker on this machine has no buildx"),
        (None, None, "docker is not installed on this machine"),
    ],
)
def test_check(version: str, buildx: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said, with what to do; exit code 2."""
    for name in ("git", "tar"):
        (tmp_path / name).symlink_to("/bin/sh")
    if version:
        (tmp_path / "docker").write_text(DOCKER % (version, buildx))
        (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if not said:
        docker.check()
        return
    with pytest.raises(UsageError, match=said) as refused:
        docker.check()
    assert refused.value.exit_code == 2
    assert "install Docker with its buildx plug-in" in refused.value.remedy
    assert os.environ["PATH"] == str(tmp_path)
