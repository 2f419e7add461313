"""The tree of errors is as it is drawn, and everything that names an exit code or a command names one that exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer import errors
from deployer.commands import NAMES
from deployer.errors import EXIT_CODES, DeployerError

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in sorted((ROOT / "deployer").rglob("*")) if path.suffix in (".py", ".sh")]
DRAWN = re.compile(r"^([│├└─ ]*)(\w+) +(\d+)$", re.MULTILINE)

NAMED = re.compile(r"(?<![\w./@-])deployer (?!-)([a-z][a-z-]*)")
THREADS = {"connect", "input", "reaper"}
"""Of the transport; their names begin with the tool's."""


def drawn() -> Iterator[tuple[str, str, int]]:
    """Each class of the drawing with its parent and its exit code; a level is four signs wide."""
    above: list[str] = []
    for branch, name, code in DRAWN.findall(errors.__doc__ or ""):
        level = len(branch) // 4
        above[level:] = [name]
        yield name, above[level - 1] if level else "Exception", int(code)


def classes(base: type[DeployerError]) -> Iterator[type[DeployerError]]:
    yield base
    for subclass in base.__subclasses__():
        if subclass.__module__ == errors.__name__:
            yield from classes(subclass)


def test_the_tree_is_as_drawn() -> None:
    """Each class once, below its parent, with its exit code; none that is not there."""
    found = [(one.__name__, one.__bases__[0].__name__, one.exit_code) for one in classes(DeployerError)]
    assert list(drawn()) == found


def test_every_exit_code_has_a_meaning() -> None:
    """Those of the errors, and besides them 0 and 10."""
    assert set(EXIT_CODES) == {0, 10, *(one.exit_code for one in classes(DeployerError))}


def test_the_readme_has_the_same_meanings() -> None:
    """Its table is the list of the code, word for word."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {int(code): meaning.replace("`", "") for code, meaning in rows} == EXIT_CODES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_named_command_exists(path: Path) -> None:
    """`deployer NAME` in a message, a remedy or a script is a command of the table."""
    for text in texts(path):
        for name in NAMED.findall(text):
            assert name in NAMES or name in THREADS, f"deployer {name}"


def texts(path: Path) -> Iterator[str]:
    """The strings of a Python file, docstrings among them; any other file as it is."""
    if path.suffix != ".py":
        yield path.read_text()
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
