"""What pyproject.toml says of the package: every file is in the wheel, and the lock has what it needs."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "deployer"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKED = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))


def test_every_file_is_in_the_wheel() -> None:
    """Each file of the package that is no module matches a pattern of its package data, templates without a dot too."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["deployer"]
    packed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    there = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert PACKAGE / "py.typed" in packed
    assert PACKAGE / "site" / "templates" / "upstreams" in packed
    assert sorted(there - packed) == []


def test_every_pattern_is_needed() -> None:
    """A pattern that matches nothing is a mistake in it."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["deployer"]
    assert [pattern for pattern in patterns if not list(PACKAGE.glob(pattern))] == []


def test_every_module_is_in_the_wheel() -> None:
    """setuptools finds folders with an __init__.py only."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_lock_has_every_requirement() -> None:
    """Those of the tool, of its development and of its build: script/setup installs nothing that no hash pins."""
    wanted = (
        *PROJECT["project"]["dependencies"],
        *PROJECT["dependency-groups"]["dev"],
        *PROJECT["build-system"]["requires"],
    )
    names = {re.split(r"[<>=\[ ]", requirement)[0].lower() for requirement in wanted}
    assert sorted(names - LOCKED) == []
    assert "--no-build-isolation" in (ROOT / "script" / "setup").read_text()


def test_lock_has_only_hashed_versions() -> None:
    """One version each and at least one hash of its file."""
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"^(?=[\w-]+==)", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
