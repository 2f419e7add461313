"""The git server that hosts clone the application from: a directory of this checkout as a repository with
fixed commits.

The same directory always gives the same commit ids: author, dates and settings are the bed's, not the
person's.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.places import CHECKOUT_ID, cache_directory
from testbed.service import Service, ensure_service
from testbed.shell import run

PORT = 9418
LEFT_OUT = ("node_modules", "build", "dist", "__pycache__", ".git", "*.pyc")
FIRST_COMMIT = 1735689600
"""2025-01-01 00:00 UTC; each further commit is an hour later."""

_SETTINGS = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Test bed",
    "GIT_AUTHOR_EMAIL": "bed@example.com",
    "GIT_COMMITTER_NAME": "Test bed",
    "GIT_COMMITTER_EMAIL": "bed@example.com",
}


@dataclass(frozen=True)
class Repository:
    """A published repository: commits are made in `work` and pushed to what hosts see at `url`."""

    url: str
    work: Path

    @property
    def head(self) -> str:
        """The id of the newest commit of the branch that is checked out."""
        return self._git("rev-parse", "HEAD")

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "A change") -> str:
        """Write (or with None remove) files, commit and publish; give the new commit's id."""
        self._write(files)
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        self._git("push", "--quiet", "--all", "origin")
        return self.head

    def rewrite(self, files: Mapping[str, str | bytes | None], message: str = "History rewritten") -> str:
        """Replace the newest commit by another one and force it upon the published branch."""
        self._write(files)
        self._git("commit", "--quiet", "--amend", "--allow-empty", "--message", message)
        self._git("push", "--quiet", "--force", "--all", "origin")
        return self.head

    def branch(self, name: str) -> None:
        """Publish a branch that starts here; later commits go to it."""
        self._git("switch", "--quiet", "--force-create", name)
        self._git("push", "--quiet", "--force", "origin", name)

    def switch(self, name: str) -> None:
        """Let later commits go to a branch that exists."""
        self._git("switch", "--quiet", name)

    def tag(self, name: str) -> None:
        """Publish a tag of the newest commit."""
        self._git("tag", "--force", name)
        self._git("push", "--quiet", "--force", "origin", f"refs/tags/{name}")

    def _write(self, files: Mapping[str, str | bytes | None]) -> None:
        for name, content in files.items():
            path = self.work / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self._git("add", "--all", "--force")

    def _git(self, *arguments: str) -> str:
        return _git(self.work, *arguments)


def publish(name: str, directory: Path) -> Repository:
    """Given a directory, make it a repository of one commit on `main`, replacing what had that name, and
    serve it.
    """
    home = _home()
    work, bare = home / name, home / f"{name}.git"
    for old in (work, bare):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(directory, work, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    run(("git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)))
    _git(work, "init", "--quiet", "--initial-branch=main")
    _git(work, "remote", "add", "origin", str(bare))
    repository = Repository(f"{_serve(home)}/{name}.git", work)
    repository.commit({}, "The application")
    return repository


def published(name: str) -> Repository | None:
    """What another process has published wholly under this name."""
    bare = _home() / f"{name}.git"
    if run(("git", f"--git-dir={bare}", "rev-parse", "--verify", "main"), check=False).returncode:
        return None
    return Repository(f"{_serve(_home())}/{name}.git", _home() / name)


def withdraw(ending: str) -> None:
    """Remove the repositories whose names end so."""
    for bare in _home().glob(f"*{ending}.git"):
        shutil.rmtree(bare, ignore_errors=True)
        shutil.rmtree(bare.with_suffix(""), ignore_errors=True)


def _home() -> Path:
    return cache_directory() / f"origin-{CHECKOUT_ID}"


def _serve(home: Path) -> str:
    script = "exec python3 /usr/local/bin/git-http.py {address} {port} /srv"
    return ensure_service(Service(f"origin-{CHECKOUT_ID}", script, PORT, mounts=((home, "/srv"),))).url


def _git(work: Path, *arguments: str) -> str:
    made = (
        run(("git", "rev-list", "--count", "--all"), directory=work, check=False).stdout.strip()
        if arguments[0] == "commit"
        else ""
    )
    date = f"{FIRST_COMMIT + 3600 * int(made or 0)} +0000"
    environment = {**os.environ, **_SETTINGS, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    return run(("git", *arguments), directory=work, environment=environment).stdout.strip()
