"""messages.txt has every text that a user can meet; and what is collected is what it should be."""

import difflib
from pathlib import Path

import pytest

from tests.unit import messages_bash
from tests.unit.messages import GOLDEN, collected

ERRORS = """
class DeployerError(Exception):
    def __init__(self, what, *, remedy="", context=None): ...
class Lost(DeployerError): ...
"""


def test_golden_file() -> None:
    """The texts of the code are those of the file, which shows every change of one in a diff."""
    before, now = GOLDEN.read_text().splitlines(), collected().splitlines()
    changes = "\n".join(line for line in difflib.unified_diff(before, now, "messages.txt", "now", lineterm="", n=0))
    assert not changes, f"Run `python -m tests.unit.messages`, read the diff, and commit it:\n{changes}"


def found(directory: Path, text: str, name: str = "a.py") -> list[str]:
    """The texts of a package with one file, and the errors above."""
    (directory / "errors.py").write_text(ERRORS)
    (directory / name).write_text(text)
    return [line.removeprefix(f"{name}: ") for line in collected(directory).splitlines()]


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ('raise Lost("It is lost.", remedy="Find it.")', ["Find it.", "It is lost."]),
        ('raise Lost(f"{x!r:>5} is {a[0]} of {sum(b)}")', ["{x} is {a[0]} of {sum(b)}"]),
        ('raise ValueError("one " "text" + f" of {n} parts")', ["one text of {n} parts"]),
        ('what = "yes" if a else "no"\nraise Lost(what)', ["no", "yes"]),
        ('def f():\n    yield "first"\n    yield "second"\nraise Lost("; ".join(f()))', [";", "first", "second"]),
        ('WHY = "a reason"\ndef f():\n    raise Lost(WHY)', ["a reason"]),
        ('def refuse(what):\n    raise Lost(what)\nrefuse("Not so.")', ["Not so."]),
        ('class Note:\n    text: str\n    remedy: str = ""\nNote("a note", remedy="do it")', ["a note", "do it"]),
        ('class Script:\n    why: str\n    script: str\nScript("set it", "rm -rf /x y")', ["set it"]),
        ('TITLE = "3. A step"', ["3. A step"]),
        ("text = \"if a; then echo 'not so much'; fi\"", ["not so much"]),
        ('"""A docstring says no."""\nx = {"a": "not for a user"}', []),
    ],
)
def test_python(tmp_path: Path, code: str, texts: list[str]) -> None:
    """By the parameter that carries it, through variables, constants, functions and generators; nothing else."""
    expected = [text for text in texts if any(letter.isalpha() for letter in text)]
    assert found(tmp_path, code) == expected


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ('echo "it is $name and $(cat "$file" | tail -n 1)"', ['it is $name and $(cat "$file" | tail -n 1)']),
        ("if ! a; then say 'it is gone'; fi", ["it is gone"]),
        ('b || { echo "no $b here" >&2; return 1; }', ["no $b here"]),
        ("printf '%s\\n' \"made $this one\"", ["made $this one"]),
        ('why="the disk is full"', ["the disk is full"]),
        ('printf \'%s %s\\n\' "$a" "$b"', []),
        ('# echo "a comment of two words"', []),
        ("echo busy", []),
    ],
)
def test_bash(line: str, texts: list[str]) -> None:
    """What is printed or kept as a reason, without quotes; a word alone is for a program."""
    assert list(messages_bash.texts(line)) == texts


def test_one_line_each(tmp_path: Path) -> None:
    """A text of two lines is one line of the file, with the file's name in front."""
    assert found(tmp_path, 'print("one\\ntwo")') == ["one\\ntwo"]
    assert collected(tmp_path) == "a.py: one\\ntwo\n"
