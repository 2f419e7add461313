"""One commit of the application on the operator's machine, in a repository that is kept for the next build."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deployer.build.subprocesses import Show, run
from deployer.errors import DeployerError
from deployer.inventory.model import Inventory
from deployer.text.shell import sh

_LIMIT = 600


def cache_directory() -> Path:
    """Below the user's own (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deployer"


@contextmanager
def repository_with(host: Inventory, commit: str, show: Show) -> Iterator[Path]:
    """A bare repository that has the commit; one run at a time uses it. Raises DeployerError where none has it."""
    url = host.source.repository
    directory = cache_directory() / "source" / hashlib.sha256(url.encode()).hexdigest()[:16]
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _Repository(directory, environment(host), show).bring(url, commit)
        yield directory


def environment(host: Inventory) -> Mapping[str, str]:
    """git never prompts; over SSH it uses the deploy key and the pinned host key only, as on the host."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    if host.source.deploy_key:
        key, known = host.local_path(host.source.deploy_key), host.local_path(host.ssh.known_hosts)
        words += ["-o", "IdentitiesOnly=yes", "-i", str(key), "-o", f"UserKnownHostsFile={known}"]
    return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": sh(*words)}


class _Repository:
    def __init__(self, directory: Path, environ: Mapping[str, str], show: Show) -> None:
        self._directory, self._environ, self._show = directory, environ, show

    def bring(self, url: str, commit: str) -> None:
        if not self._has(commit):
            self._git("init", "--quiet", "--bare")
            self._fetch(url, commit)

    def _fetch(self, url: str, commit: str) -> None:
        """That commit alone where the server allows it, else all branches and tags."""
        try:
            self._git("fetch", "--quiet", "--depth=1", "--no-tags", "--", url, f"+{commit}:refs/deployer/commit")
        except DeployerError:
            self._git("fetch", "--quiet", "--force", "--tags", "--", url, "+refs/heads/*:refs/deployer/heads/*")
        if not self._has(commit):
            raise DeployerError(
                f"{url} has no commit {commit}", remedy="if history was rewritten, run `deployer update`"
            )

    def _has(self, commit: str) -> bool:
        """Whether the commit is there; an interrupted fetch leaves nothing of it."""
        try:
            self._git("cat-file", "-e", f"{commit}^{{tree}}", show=lambda line: None)
        except DeployerError:
            return False
        return True

    def _git(self, *words: str, show: Show | None = None) -> None:
        command = ("git", "-C", str(self._directory), *words)
        run(command, f"git {words[0]}", limit=_LIMIT, show=show or self._show, environ=self._environ)
