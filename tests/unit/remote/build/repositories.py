"""Repositories of git for the tests."""

import subprocess
from pathlib import Path


def git(directory: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always")
    ran = subprocess.run(["git", *identity, *words], cwd=directory, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def commit(directory: Path, **files: str) -> str:
    """A commit with these files; `__` in a name stands for a slash, `_git` in front for `.git`."""
    if not (directory / ".git").exists():
        directory.mkdir()
        git(directory, "init", "--quiet")
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_git", ".git", 1)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "x")
    return git(directory, "rev-parse", "HEAD")


def with_submodule(directory: Path) -> tuple[Path, str]:
    """A repository with one in vendor/library, and its commit."""
    commit(directory / "library", file="x")
    source = directory / "source"
    commit(source, file="x")
    git(source, "submodule", "--quiet", "add", str(directory / "library"), "vendor/library")
    return source, commit(source, file="y")
