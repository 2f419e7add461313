"""A build: what Docker is given, with real git, and what is left of it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest

from deployer.remote.build import image, limits
from deployer.remote.build.recipe import Places, Recipe, parsed
from deployer.remote.failure import Failure
from deployer.remote.process import Result
from tests.unit.remote.build.repositories import commit, git, with_submodule
from tests.unit.remote.conftest import FakeDocker

RECIPE = Recipe(
    commit="",
    image="web-backend:unproved",
    inputs="0123",
    context=".",
    dockerfile="Dockerfile",
    own="Dockerfile.backend",
    target="",
    arguments=(),
    platform="",
)


@dataclass
class Built:
    """Docker, which keeps what it is given to build from, a repository, and what was shown."""

    docker: FakeDocker
    places: Places
    kept: Path
    result: Result = field(default_factory=lambda: Result(0, b"#1 building\n#2 d\xc3\xb6ne"))
    shown: list[str] = field(default_factory=list)

    def answer(self, words: tuple[str, ...]) -> Result:
        shutil.copytree(words[-1], self.kept, symlinks=True)
        return self.result

    def build(self, wanted: str, **other: object) -> Mapping[str, list[str]]:
        """The options that Docker is given, each with its values."""
        image.build(self.docker, replace(RECIPE, commit=wanted, **other), self.places, self.shown.append)  # type: ignore[arg-type]
        _, _, *words, _ = self.docker.calls[-1]
        found: dict[str, list[str]] = {}
        for name, value in pairwise(words):
            if name.startswith("--"):
                found.setdefault(name, []).append(value)
        return found

    def refused(self, wanted: str, **other: object) -> str:
        with pytest.raises(Failure) as failed:
            self.build(wanted, **other)
        return str(failed.value)


@pytest.fixture
def built(tmp_path: Path, docker: FakeDocker) -> Built:
    (tmp_path / "work").mkdir()
    made = Built(docker, Places(tmp_path / "source", tmp_path / "tool", tmp_path / "work"), tmp_path / "kept")
    docker.answer = made.answer
    return made


def test_what_is_built(built: Built) -> None:
    """The commit, not what is checked out, without .git and without a tracked .env; nothing is left but the image."""
    wanted = commit(built.places.source, Dockerfile="FROM x", _env="A=1", **{".env": "B=2", "src__a": "1"})
    (built.places.source / "untracked").touch()
    (built.places.source / "src" / "a").write_text("changed")
    (built.places.work / "build.left").mkdir()
    options = built.build(wanted)
    assert sorted(path.name for path in built.kept.iterdir()) == ["Dockerfile", "_env", "src"]
    assert (built.kept / "src" / "a").read_text() == "1"
    assert options["--tag"] == ["web-backend:unproved"]
    assert options["--label"] == [f"deployer.commit={wanted}", "deployer.inputs=0123"]
    assert options["--file"][0].endswith("/Dockerfile")
    flags = {"--load", "--provenance=false", "--progress=plain"}
    assert set(options) == {*flags, "--build-context", "--file", "--tag", "--label"}
    assert built.shown == ["#1 building", "#2 döne"]
    assert list(built.places.work.iterdir()) == []


def test_all_settings(built: Built) -> None:
    """Each one is an argument of its own, whatever is in it."""
    wanted = commit(built.places.source, api__Containerfile="FROM x")
    arguments = ("A=1 2", "B=$(id)\n;")
    options = built.build(
        wanted, context="api", dockerfile="Containerfile", target="final", arguments=arguments, platform="linux/arm64"
    )
    assert options["--build-arg"] == list(arguments)
    assert (options["--target"], options["--platform"]) == (["final"], ["linux/arm64"])
    assert options["--file"][0].endswith("/api/Containerfile")
    assert [path.name for path in built.kept.iterdir()] == ["Containerfile"]


@pytest.mark.parametrize("dockerfile", ["", "none/Dockerfile"])
def test_own_dockerfile(built: Built, dockerfile: str) -> None:
    """Where none is named, or there is none of that name."""
    options = built.build(commit(built.places.source, Dockerfile="FROM x"), dockerfile=dockerfile)
    assert options["--file"] == [str(built.places.tool / "Dockerfile.backend")]
    assert built.shown[0] == "using the guide's Dockerfile"


def test_no_such_directory(built: Built) -> None:
    """Named; the export is removed."""
    assert built.refused(commit(built.places.source, file="x"), context="api") == "the repository has no directory api"
    assert list(built.places.work.iterdir()) == []


@pytest.mark.parametrize("link", ["context", "dockerfile"])
def test_a_link_out_of_the_repository(built: Built, tmp_path: Path, link: str) -> None:
    """A commit whose directory is a link to the host's files would send them to the build, which root runs."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("secret")
    commit(built.places.source, Dockerfile="FROM x")
    target = {"context": "private", "dockerfile": "private/key"}[link]
    (built.places.source / "link").symlink_to(tmp_path / target)
    wanted = commit(built.places.source, file="x")
    assert "link is a link that leads out of the repository" in built.refused(wanted, **{link: "link"})
    assert built.docker.calls == []


def test_a_link_inside_of_the_repository(built: Built) -> None:
    """That is what a clone has."""
    commit(built.places.source, api__Dockerfile="FROM x")
    (built.places.source / "link").symlink_to("api")
    assert built.build(commit(built.places.source, file="x"), context="link")["--file"][0].endswith("/link/Dockerfile")


def test_incomplete(built: Built, tmp_path: Path) -> None:
    """Nothing is built of a commit whose files are elsewhere."""
    _, wanted = with_submodule(tmp_path)
    assert "submodules, which would be empty" in built.refused(wanted)
    assert built.docker.calls == []
    assert list(built.places.work.iterdir()) == []


def test_failed(built: Built) -> None:
    """What it printed is shown to its end, then that it failed."""
    built.result = Result(17, b"#1 ERROR: no space")
    message = built.refused(commit(built.places.source, file="x"))
    assert message == "the image could not be built: docker buildx build ended with exit code 17"
    assert built.shown[-1] == "#1 ERROR: no space"


@pytest.mark.parametrize(("before", "after", "named"), [(0, 2, True), (1, 1, False), (1, 2, True)])
def test_out_of_memory(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, after: int, named: bool
) -> None:
    """The kernel counts what it has killed in the slice: of an earlier build that proves nothing."""
    events = tmp_path / "build.slice" / "memory.events"
    events.parent.mkdir()
    events.write_text(f"oom 7\noom_kill {before}\n")
    monkeypatch.setattr(limits, "GROUPS", tmp_path)
    monkeypatch.setattr(limits, "apply", lambda name: ("--cgroup-parent", name))
    built.places = replace(built.places, slice="build.slice")
    wanted = commit(built.places.source, file="x")

    def fail(words: tuple[str, ...]) -> Result:
        assert "--cgroup-parent build.slice" in " ".join(words)
        events.write_text(f"oom 7\noom_kill {after}\n")
        return Result(1, b"")

    built.docker.answer = fail
    assert (image.OUT_OF_MEMORY in built.refused(wanted)) is named


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little weight, and nine tenths of the memory that is there."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(limits, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(limits, "succeed", lambda *words, limit: calls.append(words))
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    1000001 kB\n")
    assert limits.apply("x.slice") == ("--cgroup-parent", "x.slice", "--builder", "default")
    values = ("CPUWeight=10", "IOWeight=10", "MemoryMax=900000K")
    assert calls == [("systemctl", "start", "x.slice"), ("systemctl", "set-property", "--runtime", "x.slice", *values)]


def test_recipe() -> None:
    """It travels as a text; another version's is refused."""
    recipe = replace(RECIPE, arguments=("A='1'\n",))
    assert parsed(recipe.text) == recipe
    for text in ("{}", "[]", '{"arguments": 1}', "{", recipe.text.replace("inputs", "puts")):
        with pytest.raises(Failure, match="is not described as this host program expects"):
            parsed(text)


def test_branches_do_not_matter(built: Built) -> None:
    """An earlier commit is built while a later one is checked out."""
    first = commit(built.places.source, Dockerfile="FROM one")
    commit(built.places.source, Dockerfile="FROM two")
    assert git(built.places.source, "rev-parse", "HEAD") != first
    built.build(first)
    assert (built.kept / "Dockerfile").read_text() == "FROM one"
