"""A commit in a repository: whether all of its files are there, and an export of them as a clone has them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from deployer.remote.failure import Failure
from deployer.remote.process import Result, run, running

SECONDS = 600.0
POINTER = b"version https://git-lfs.github.com/spec/v1"
LONGEST_POINTER = 1024
"""Bytes: Git LFS takes nothing longer for a pointer."""
SUBMODULE = "160000"
NAMED = 10
"""As many paths are named in a message."""
NOTHING_FOUND = 1
"""Exit code of `git grep`."""
AS_CLONED = "* -export-ignore -export-subst\n"
REMEDY = 'commit these files themselves, or build the images where they are complete and set [build] where = "registry"'


@dataclass(frozen=True)
class Repository:
    """A clone, bare or not, whoever owns it."""

    directory: Path

    def git(self, *words: str) -> Result:
        return run(*self._words(*words), limit=SECONDS, apart=True)

    def output(self, *words: str, empty: int = 0) -> bytes:
        """What git prints; with the exit code `empty`, nothing. Raises Failure."""
        result = self.git(*words)
        if result.exit_code not in (0, empty):
            raise Failure(f"git {words[0]} failed with exit code {result.exit_code}:\n{result.last_lines}")
        return result.output

    def check_complete(self, commit: str, directories: Sequence[str]) -> None:
        """Raises Failure where one of these directories (. for all) lacks what only another server has."""
        listed = self._listed(commit)
        submodules = [path for path, (mode, _) in listed.items() if mode == SUBMODULE]
        pointers = self._pointers(commit, {path for path, (_, size) in listed.items() if size < LONGEST_POINTER})
        found = (
            ("submodules, which would be empty", _below(submodules, directories)),
            ("files in Git LFS, of which only pointers would be there", _below(pointers, directories)),
        )
        problems = [f"the commit has {what}: {_named(paths)}" for what, paths in found if paths]
        if problems:
            raise Failure("\n".join((*problems, REMEDY)))

    def export(self, commit: str, directory: Path) -> None:
        """The files of a commit, all of them: attributes that are about archives do not count. Raises Failure."""
        attributes = Path(self.output("rev-parse", "--absolute-git-dir").decode().rstrip("\n"), "info")
        attributes.mkdir(parents=True, exist_ok=True)
        (attributes / "attributes").write_text(AS_CLONED)
        with running(*self._words("archive", commit), limit=SECONDS) as archive:
            unpacked = run("tar", "-x", "-C", str(directory), limit=SECONDS, stdin=_pipe(archive.stdout))
            _pipe(archive.stdout).close()
            printed = _pipe(archive.stderr).read().decode(errors="replace")
            if archive.wait() != 0 or not unpacked.succeeded:
                raise Failure(f"the commit {commit} could not be exported:\n{printed}{unpacked.text}")

    def _words(self, *words: str) -> Sequence[str]:
        return ("git", "-c", "safe.directory=*", "-C", str(self.directory), *words)

    def _listed(self, commit: str) -> Mapping[bytes, tuple[str, int]]:
        """Mode and size (0 for a submodule) of each file, by its path."""
        entries = (line.partition(b"\t") for line in self.output("ls-tree", "-rlz", commit).split(b"\0") if line)
        fields = {path: state.decode().split() for state, _, path in entries}
        return {path: (mode, int(size) if size.isdigit() else 0) for path, (mode, _, _, size) in fields.items()}

    def _pointers(self, commit: str, small: set[bytes]) -> Iterator[bytes]:
        """The files that Git LFS, where it is used, keeps elsewhere: of the small ones, those that are a pointer."""
        if self.git("grep", "-q", "filter=lfs", commit, "--", "*.gitattributes").exit_code == NOTHING_FOUND:
            return
        found = self.output("grep", "-Ilz", f"^{POINTER.decode()}$", commit, empty=NOTHING_FOUND).split(b"\0")
        for path in (name.partition(b":")[2] for name in found if name):
            blob = f"{commit}:{path.decode(errors='surrogateescape')}"
            if path in small and self.output("cat-file", "-p", blob).startswith(POINTER + b"\n"):
                yield path


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    return cast(IO[bytes], end)


def _below(paths: Iterator[bytes] | Sequence[bytes], directories: Sequence[str]) -> Sequence[str]:
    texts = (path.decode(errors="replace") for path in paths)
    return [path for path in texts if any(each == "." or f"{path}/".startswith(f"{each}/") for each in directories)]


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - NAMED
    return ", ".join(paths[:NAMED]) + (f" and {more} more" if more > 0 else "")
