"""Images that are pulled: what of their repository is removed, and what stays."""

import pytest

from deployer.remote.build.pull import pull
from deployer.remote.build.verbs import image
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from tests.unit.remote.conftest import FakeDocker

LISTED = """sha256:new 2 <none>
sha256:new <none> sha256:d2
sha256:kept 1 sha256:d1
sha256:old older sha256:d0
sha256:lost <none> <none>
"""


def answers(listed: str = LISTED, refuses: tuple[str, ...] = ()) -> FakeDocker:
    def answer(words: tuple[str, ...]) -> Result:
        call = " ".join(words)
        if call.startswith(refuses or "nothing"):
            return Result(1, b"", b"denied: requested access\n")
        if words[:2] == ("image", "inspect"):
            return Result(0, b"sha256:new\n")
        if words[:2] == ("image", "ls"):
            return Result(0, (listed if "--digests" in words else "sha256:kept\n").encode())
        return Result(0, b"pulled\n" if words[0] == "pull" else b"")

    return FakeDocker(answer=answer)


def removed(docker: FakeDocker) -> list[str]:
    return [words[1] for words in docker.calls if words[0] == "rmi"]


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("ghcr.io/team/api:2", "ghcr.io/team/api"),
        ("registry.example.com:5000/team/api:2", "registry.example.com:5000/team/api"),
        ("registry.example.com:5000/team/api@sha256:d2", "registry.example.com:5000/team/api"),
    ],
)
def test_others_are_removed(reference: str, repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what was not just pulled, and has no name that a release gave it; by all of its own names."""
    docker = answers()
    pull(docker, reference, "web-backend")
    assert removed(docker) == [f"{repository}:older", f"{repository}@sha256:d0"]
    assert docker.calls[-3][-1] == repository
    assert capsys.readouterr().out == "pulled\n"


def test_used_by_a_container() -> None:
    """Docker refuses to remove it: that is no failure."""
    docker = answers(refuses=("rmi",))
    pull(docker, "ghcr.io/team/api:2", "web-backend")
    assert len(removed(docker)) == 2


@pytest.mark.parametrize("refuses", ["image ls", "image inspect"])
def test_docker_does_not_answer(refuses: str) -> None:
    """Nothing is removed by an incomplete list."""
    docker = answers(refuses=(refuses,))
    with pytest.raises(Failure, match="denied"):
        pull(docker, "ghcr.io/team/api:2", "web-backend")
    assert removed(docker) == []


def test_login() -> None:
    """What Docker says, and how to log in to that registry."""
    with pytest.raises(Failure) as failed:
        pull(answers(refuses=("pull",)), "registry.example.com:5000/team/api:2", "web-backend")
    assert str(failed.value) == (
        "denied: requested access\nif the registry requires a login, log in once on the host as root: "
        "sudo docker login registry.example.com:5000"
    )


def test_verb(host: Host) -> None:
    """What was pulled keeps its name in addition to the release's."""
    docker = answers("")
    image(Host(host.config, docker), ["pull", "ghcr.io/team/api:2", "web-backend", "web-backend:2-ab", ""])
    assert docker.calls[-1] == ("tag", "ghcr.io/team/api:2", "web-backend:2-ab")
    assert removed(docker) == []
