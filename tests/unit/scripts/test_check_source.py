"""build.sh and check_source.sh with real git and bash: what is built is what a clone has, or nothing."""

import os
import subprocess
from pathlib import Path

import pytest

from deployer.releases.building import _build
from deployer.releases.source import refuse_incomplete
from deployer.site.compose import BACKEND
from tests.support.fakes import inventory, run_here

HOST = inventory()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 7\n"
KEEP_CONTEXT = '#!/bin/sh\nfor last; do :; done\ncp -a "$last" "${0%/*}/built"\n'


def git(directory: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always")
    ran = subprocess.run(["git", *identity, *words], cwd=directory, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def commit(directory: Path, **files: str) -> str:
    """A commit with these files; `__` in a name stands for a slash, `_` in front for a dot."""
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


def check(directory: Path, wanted: str, **tables: object) -> "subprocess.CompletedProcess[str]":
    host = inventory(None, Path("/nowhere"), **tables)
    return run_here(refuse_incomplete(host, wanted, str(directory)))


def build(source: Path, wanted: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """With a docker that keeps what it would build."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin" / "docker").write_text(KEEP_CONTEXT)
    (tmp_path / "bin" / "docker").chmod(0o755)
    places = {"SOURCE": source, "WORK": tmp_path, "TOOL": tmp_path, "SLICE": "", "PLATFORM": ""}
    text = _build(HOST, BACKEND, wanted, "image", **{name: str(place) for name, place in places.items()})
    return run_here(text, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize("bare", [False, True])
def test_built_as_cloned(tmp_path: Path, bare: bool) -> None:
    """`export-ignore` and `export-subst` are about archives: every file is there as it was committed."""
    source = tmp_path / "source"
    attributes = "secret/ export-ignore\n*.md export-ignore\nversion.py export-subst\n"
    files = {"README.md": "x", "secret__x.py": "x", "version.py": "$Format:%H$", "_gitattributes": attributes}
    wanted = commit(source, **files)
    if bare:
        git(tmp_path, "clone", "--quiet", "--bare", str(source), str(tmp_path / "bare"))
        source = tmp_path / "bare"
    ran = build(source, wanted, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    built = tmp_path / "bin" / "built"
    there = sorted(str(path.relative_to(built)) for path in built.rglob("*") if path.is_file())
    assert there == [".gitattributes", "README.md", "secret/x.py", "version.py"]
    assert (built / "version.py").read_text() == "$Format:%H$"
    assert (built / "README.md").stat().st_mode & 0o444 == 0o444
    assert bare or git(source, "status", "--porcelain") == ""


def submodule(tmp_path: Path) -> tuple[Path, str]:
    commit(tmp_path / "library", file="x")
    source = tmp_path / "source"
    commit(source, file="x")
    git(source, "submodule", "--quiet", "add", str(tmp_path / "library"), "vendor/library")
    return source, commit(source, file="y")


def test_submodule(tmp_path: Path) -> None:
    """It would be an empty directory: named, with what to do, before anything is built."""
    source, wanted = submodule(tmp_path)
    for ran in (check(source, wanted), build(source, wanted, tmp_path)):
        assert ran.returncode == 1
        assert "the commit has submodules, which would be empty: vendor/library" in ran.stdout
        assert '[build] where = "registry"' in ran.stdout
    assert not (tmp_path / "bin" / "built").exists()


def test_elsewhere_in_the_repository(tmp_path: Path) -> None:
    """What is in none of the build contexts is missed by nobody; and where nothing is built, nothing is."""
    source, wanted = submodule(tmp_path)
    ran = check(source, wanted, backend={"context": "api"}, wallet={"context": "vend"})
    assert (ran.returncode, ran.stdout) == (0, "")
    assert check(source, wanted, backend={"context": "api"}, wallet={"context": "vendor"}).returncode == 1
    image = {"image": "ghcr.io/x/y"}
    assert check(source, wanted, build={"where": "registry"}, backend=image, wallet=image).returncode == 0


def test_large_files(tmp_path: Path) -> None:
    """A pointer of Git LFS in place of a file; an earlier commit without one is built."""
    source = tmp_path / "source"
    before = commit(source, file="x")
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    wanted = commit(source, _gitattributes=attributes, **{"models__a b.bin": POINTER})
    for ran in (check(source, wanted), build(source, wanted, tmp_path)):
        assert ran.returncode == 1
        assert "Git LFS, of which only pointers would be there: models/a b.bin" in ran.stdout
    assert check(source, before).returncode == 0


@pytest.mark.parametrize(
    "files", [{"a.bin": POINTER}, {"_gitattributes": "*.bin filter=lfs\n", "a.md": f"# x\n{POINTER}"}]
)
def test_what_only_looks_like_a_pointer(tmp_path: Path, files: dict[str, str]) -> None:
    """A file that Git LFS does not know of, or that explains a pointer, is what a clone has."""
    source = tmp_path / "source"
    ran = check(source, commit(source, **files))
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


def test_many(tmp_path: Path) -> None:
    """The first ten are named, and the number of the others."""
    source = tmp_path / "source"
    wanted = commit(source, _gitattributes="*.bin filter=lfs\n", **{f"{n:02}.bin": POINTER for n in range(12)})
    assert "08.bin, 09.bin and 2 more\n" in check(source, wanted).stdout
