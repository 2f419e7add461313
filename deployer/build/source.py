"""Exactly one commit of the application on the operator's machine, in a repository that is kept for the next time."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deployer.build.subprocesses import Say, run
from deployer.errors import DeployerError
from deployer.inventory.model import Inventory
from deployer.text.shell import sh

_LIMIT = 600


def cache_directory() -> Path:
    """Below the user's own (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deployer"


@contextmanager
def repository_with(host: Inventory, commit: str, say: Say) -> Iterator[Path]:
    """A bare repository that has the commit; one run at a time uses it. Raises DeployerError where none has it."""
    url = host.source.repository
    directory = cache_directory() / "source" / hashlib.sha256(url.encode()).hexdigest()[:16]
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _Repository(directory, environment(host), say).bring(url, commit)
        yield directory


def environment(host: Inventory) -> Mapping[str, str]:
    """git asks nothing; over SSH it goes with the deploy key and against the pinned host key only (as on the host)."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    if host.source.deploy_key:
        key, known = host.local_path(host.source.deploy_key), host.local_path(host.ssh.known_hosts)
        words += ["-o", "IdentitiesOnly=yes", "-i", str(key), "-o", f"UserKnownHostsFile={known}"]
    return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": sh(*words)}


class _Repository:
    def __init__(self, directory: Path, environ: Mapping[str, str], say: Say) -> None:
        self._directory, self._environ, self._say = directory, environ, say

    def bring(self, url: str, commit: str) -> None:
        if not self._has(commit):
            self._git("init", "--quiet", "--bare")
            self._fetch(url, commit)

    def _fetch(self, url: str, commit: str) -> None:
        """That commit alone, where the server gives single commits; else all branches and tags."""
        try:
            self._git("fetch", "--quiet", "--depth=1", "--no-tags", "--", url, f"+{commit}:refs/deployer/commit")
        except DeployerError:
            self._git("fetch", "--quiet", "--force", "--tags", "--", url, "+refs/heads/*:refs/deployer/heads/*")
        if not self._has(commit):
            raise DeployerError(f"{url} has no commit {commit}", remedy="was history rewritten? run `update`")

    def _has(self, commit: str) -> bool:
        """Also every file of it: a fetch that was cut leaves none of it."""
        try:
            self._git("cat-file", "-e", f"{commit}^{{tree}}", say=lambda line: None)
        except DeployerError:
            return False
        return True

    def _git(self, *words: str, say: Say | None = None) -> None:
        command = ("git", "-C", str(self._directory), *words)
        run(command, f"git {words[0]}", limit=_LIMIT, say=say or self._say, environ=self._environ)
