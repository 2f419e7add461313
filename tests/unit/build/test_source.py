"""Exactly one commit on the operator's machine."""

import subprocess
from pathlib import Path

import pytest

from deployer.build import source
from deployer.errors import DeployerError
from tests.support.fakes import inventory

SETTINGS = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(directory: Path, *words: str) -> str:
    ran = subprocess.run(("git", *SETTINGS, *words), cwd=directory, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = tmp_path / "origin"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch=main")
    for content in ("one", "two"):
        (made / "file").write_text(content)
        git(made, "add", "file")
        git(made, "commit", "--quiet", "--message", content)
    return made


def content(origin: Path, commit: str) -> str:
    host = inventory(source={"repository": str(origin)})
    with source.repository_with(host, commit, lambda line: None) as repository:
        assert repository.is_relative_to(source.cache_directory())
        return git(repository, "show", f"{commit}:file")


def test_that_commit(origin: Path) -> None:
    """Not the newest one; a second one from the same cache; a third that came later."""
    assert content(origin, git(origin, "rev-parse", "HEAD~1")) == "one"
    assert content(origin, git(origin, "rev-parse", "HEAD")) == "two"
    (origin / "file").write_text("three")
    git(origin, "commit", "--quiet", "--all", "--message", "three")
    assert content(origin, git(origin, "rev-parse", "HEAD")) == "three"


def test_known_commit_needs_no_network(origin: Path, tmp_path: Path) -> None:
    """What the cache has is not asked for again."""
    commit = git(origin, "rev-parse", "HEAD")
    content(origin, commit)
    origin.rename(tmp_path / "gone")
    assert content(origin, commit) == "two"


def test_server_that_gives_no_single_commits(origin: Path) -> None:
    """Then all branches come."""
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "false")
    git(origin, "config", "protocol.version", "0")
    assert content(origin, git(origin, "rev-parse", "HEAD~1")) == "one"


def test_no_such_commit(origin: Path) -> None:
    """Said with the repository's name."""
    with pytest.raises(DeployerError, match=f"has no commit {'9' * 40}"):
        content(origin, "9" * 40)


def test_deploy_key(tmp_path: Path) -> None:
    """With the key, against the pinned host key only, and without questions."""
    (tmp_path / "key").write_text("")
    tables = {"repository": "git@github.com:x/y.git", "deploy_key": "key"}
    told = source.environment(inventory(None, tmp_path, source=tables))
    assert told["GIT_TERMINAL_PROMPT"] == "0"
    assert f"-i {tmp_path}/key" in told["GIT_SSH_COMMAND"]
    assert f"UserKnownHostsFile={tmp_path}/known_hosts" in told["GIT_SSH_COMMAND"]
    assert "StrictHostKeyChecking=yes" in told["GIT_SSH_COMMAND"]
    assert "-i" not in source.environment(inventory())["GIT_SSH_COMMAND"]
