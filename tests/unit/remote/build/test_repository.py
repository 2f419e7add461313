"""Commits with real git: what is built is what a clone has, or nothing."""

from pathlib import Path

import pytest

from deployer.engine.host_program import call
from deployer.releases.source import refuse_incomplete
from deployer.remote.build.repository import Repository
from deployer.remote.failure import Failure
from tests.support.fakes import inventory, run_here
from tests.unit.remote.build.repositories import commit, git, with_submodule
from tests.unit.remote.installed import install

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 7\n"


def refused(directory: Path, wanted: str, *contexts: str) -> str:
    """Why a commit is not built; empty where it is."""
    try:
        Repository(directory).check_complete(wanted, contexts or (".",))
    except Failure as failure:
        return str(failure)
    return ""


@pytest.mark.parametrize("bare", [False, True])
def test_as_cloned(tmp_path: Path, bare: bool) -> None:
    """`export-ignore` and `export-subst` are about archives: every file is there as it was committed."""
    source, built = tmp_path / "source", tmp_path / "built"
    attributes = "secret/ export-ignore\n*.md export-ignore\nversion.py export-subst\n"
    files = {"README.md": "x", "secret__x.py": "x", "version.py": "$Format:%H$", "_gitattributes": attributes}
    wanted = commit(source, **files)
    if bare:
        git(tmp_path, "clone", "--quiet", "--bare", str(source), str(tmp_path / "bare"))
        source = tmp_path / "bare"
    built.mkdir()
    Repository(source).export(wanted, built)
    there = sorted(str(path.relative_to(built)) for path in built.rglob("*") if path.is_file())
    assert there == [".gitattributes", "README.md", "secret/x.py", "version.py"]
    assert (built / "version.py").read_text() == "$Format:%H$"
    assert (built / "README.md").stat().st_mode & 0o444 == 0o444
    assert bare or git(source, "status", "--porcelain") == ""


def test_no_such_commit(tmp_path: Path) -> None:
    """What git says is the reason, for the check and for the export."""
    commit(tmp_path / "source", file="x")
    assert "git ls-tree failed with exit code 128" in refused(tmp_path / "source", "9" * 40)
    with pytest.raises(Failure, match=rf"(?s)the commit {'9' * 40} could not be exported:.*not a tree object"):
        Repository(tmp_path / "source").export("9" * 40, tmp_path)


def test_submodule(tmp_path: Path) -> None:
    """It would be an empty directory: named, with what to do."""
    message = refused(*with_submodule(tmp_path))
    assert message.startswith("the commit has submodules, which would be empty: vendor/library\n")
    assert '[build] where = "registry"' in message


def test_elsewhere_in_the_repository(tmp_path: Path) -> None:
    """What is in none of the build contexts is missed by nobody."""
    source, wanted = with_submodule(tmp_path)
    assert refused(source, wanted, "api", "vend") == ""
    assert refused(source, wanted, "api", "vendor")
    assert refused(source, wanted, "vendor/library")


def test_before_it_is_checked_out(tmp_path: Path) -> None:
    """Asked by the steps that fetch, of a commit that is a variable there; where nothing is built, nothing is asked."""
    source, wanted = with_submodule(tmp_path)
    host = inventory().model_copy(update={"root": tmp_path / "root"})
    install(host)
    ran = run_here(f"commit={wanted}\n{refuse_incomplete(host, chr(34) + '$commit' + chr(34), str(source))}")
    assert (ran.returncode, "would be empty: vendor/library\n" in ran.stdout) == (1, True), ran
    image = {"image": "ghcr.io/x/y"}
    pulled = inventory(build={"where": "registry"}, backend=image, wallet=image)
    assert call(pulled, "image") not in refuse_incomplete(pulled, wanted, str(source))


def test_large_files(tmp_path: Path) -> None:
    """A pointer of Git LFS in place of a file; an earlier commit without one is complete."""
    source = tmp_path / "source"
    before = commit(source, file="x")
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    wanted = commit(source, _gitattributes=attributes, **{"models__a b.bin": POINTER, "models__ä\n.bin": POINTER})
    message = refused(source, wanted)
    assert "Git LFS, of which only pointers would be there: models/a b.bin, models/ä\n.bin\n" in message
    assert refused(source, before) == ""


@pytest.mark.parametrize(
    "files",
    [
        {"a.bin": POINTER},
        {"_gitattributes": "*.bin filter=lfs\n", "a.md": f"# x\n{POINTER}"},
        {"_gitattributes": "*.bin filter=lfs\n", "a.bin": POINTER + "x" * 1024},
    ],
)
def test_what_only_looks_like_a_pointer(tmp_path: Path, files: dict[str, str]) -> None:
    """Git LFS does not know of it, it explains a pointer, or it is too long for one: it is what a clone has."""
    source = tmp_path / "source"
    assert refused(source, commit(source, **files)) == ""


def test_many(tmp_path: Path) -> None:
    """The first ten are named, and the number of the others."""
    source = tmp_path / "source"
    wanted = commit(source, _gitattributes="*.bin filter=lfs\n", **{f"{n:02}.bin": POINTER for n in range(12)})
    assert "08.bin, 09.bin and 2 more\n" in refused(source, wanted)
