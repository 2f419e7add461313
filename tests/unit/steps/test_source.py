"""7.1 Clone repository, with a real git where it acts."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from deployer.engine.changes import Note, Script
from deployer.inventory.model import Inventory
from deployer.releases.source import commit_of
from deployer.steps import source
from tests.support.fakes import inventory, planned, run_here, script_of, texts
from tests.unit.remote.installed import install

from .hosts import COMMIT, NEWER, converged, drifted, fresh

HOST = inventory()


def test_absent() -> None:
    """It is cloned at the inventory's ref; at the running commit where a release runs."""
    answers = fresh(source, HOST)
    assert len(planned(source, HOST, answers)) == 1
    running = planned(source, HOST, {**answers, "running": f"{COMMIT}\n{COMMIT}\n"})
    assert isinstance(running[-1], Script)
    assert running[-1].why.endswith(f"at {COMMIT}")


def test_another_repository() -> None:
    """The clone is pointed to the inventory's."""
    assert drifted(source, HOST, origin="https://example.com/old.git") == [
        "point the clone to https://github.com/FractionEstate/decentralized-did.git (was https://example.com/old.git)"
    ]


def test_ref_moved_while_nothing_runs() -> None:
    """A first release that failed can be mended upstream: the clone follows its ref."""
    told = {"running": "", "remote": f"{NEWER}\trefs/heads/main\n"}
    assert drifted(source, HOST, **told) == [f"check out main ({NEWER[:12]}); no release runs yet"]


def test_ref_has_not_moved() -> None:
    """The same commit: nothing to do."""
    assert drifted(source, HOST, running="", remote=f"{COMMIT}\trefs/heads/main\n") == []


def test_remote_is_silent() -> None:
    """A repository that does not answer is no reason to change what is there."""
    assert drifted(source, HOST, running="", remote="") == []


@pytest.mark.parametrize(("ref", "expected"), [("main", "a"), ("v1", "d"), ("v2", "e"), ("gone", ""), (COMMIT, "")])
def test_commit_of(ref: str, expected: str) -> None:
    """A branch before a tag; of an annotated tag the commit, not the tag."""
    listing = "a\trefs/heads/main\nb\trefs/tags/main\nc\trefs/tags/v1\nd\trefs/tags/v1^{}\ne\trefs/tags/v2\n"
    assert commit_of(ref, listing) == expected


def test_local_changes_are_noted() -> None:
    """They are not deployed and not lost: a note names them."""
    answers = {**converged(source, HOST), "local changes": " M api.py\nMM src/x.py"}
    (note,) = planned(source, HOST, answers)
    assert isinstance(note, Note)
    assert note.text == "the clone has local changes, which are not deployed: api.py, src/x.py"


def test_tracked_env_is_noted() -> None:
    """A .env in the repository is not used (A10)."""
    answers = {**converged(source, HOST), "tracked secrets": ".env"}
    assert texts(planned(source, HOST, answers)) == ["the repository tracks a .env file, which is not used"]


def test_deploy_key(tmp_path: Path) -> None:
    """It travels as a file of mode 0600 whose content is in no difference, and only the pinned host key counts."""
    (tmp_path / "key").write_text("PRIVATE")
    (tmp_path / "known_hosts").write_text("git.example.com ssh-ed25519 AAAA\n")
    repository = {"repository": "ssh://git@git.example.com/app.git", "deploy_key": "key"}
    host = inventory(directory=tmp_path, source=repository)
    key, *_, clone = planned(source, host, fresh(source, host))
    assert "PRIVATE" not in getattr(key, "diff", "")
    assert "StrictHostKeyChecking=yes" in script_of(clone)
    assert "/opt/biometric-did/.deployer/git/deploy_key" in script_of(clone)


class TestReally:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        path = tmp_path / "upstream"
        _git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(path))
        _commit(path, "one")
        return path

    def host(self, repository: Path, ref: str = "main") -> Inventory:
        host = inventory(source={"repository": "https://example.com/x.git", "ref": ref})
        changed = host.source.model_copy(update={"repository": str(repository)})
        return host.model_copy(update={"root": PurePosixPath(repository.parent / "root"), "source": changed})

    def clone(self, host: Inventory) -> str:
        install(host)
        change = planned(source, host, fresh(source, host))[-1]
        ran = run_here(script_of(change))
        return "" if ran.returncode else _git(Path(host.paths.source), "rev-parse", "HEAD")

    def test_branch(self, repository: Path) -> None:
        """The branch's commit, whole, and nothing left beside."""
        host = self.host(repository)
        assert self.clone(host) == _git(repository, "rev-parse", "main")
        assert sorted(path.name for path in Path(host.root).iterdir()) == [".deployer", "src"]

    def test_tag_and_commit(self, repository: Path) -> None:
        """An annotated tag and a bare commit are refs as well."""
        first = _git(repository, "rev-parse", "main")
        _git(repository, "tag", "-a", "-m", "x", "v1")
        _commit(repository, "two")
        assert self.clone(self.host(repository, "v1")) == first
        subprocess.run(["rm", "-rf", str(self.host(repository).paths.source)], check=True)
        assert self.clone(self.host(repository, first)) == first

    def test_unknown_ref(self, repository: Path) -> None:
        """Nothing is left in the clone's place, and the message names the ref."""
        host = self.host(repository, "nowhere")
        Path(host.root).mkdir()
        ran = run_here(script_of(planned(source, host, fresh(source, host))[-1]))
        assert ran.returncode == 1
        assert "no branch, tag or commit nowhere" in ran.stdout
        assert not Path(host.paths.source).exists()

    def test_interrupted_clone(self, repository: Path) -> None:
        """What an earlier try left beside is replaced."""
        host = self.host(repository)
        (Path(host.root) / "src.new").mkdir(parents=True)
        assert self.clone(host)


def _git(directory: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    ran = subprocess.run(["git", *identity, *words], cwd=directory, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def _commit(directory: Path, name: str) -> None:
    (directory / name).write_text(name)
    _git(directory, "add", ".")
    _git(directory, "commit", "--quiet", "-m", name)
