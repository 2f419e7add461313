"""Quoting: whatever a value holds, the shell sees one word."""

import subprocess
from pathlib import PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.text.shell import lines, quote, sh

WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def ran(script: str) -> bytes:
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, check=True).stdout


@settings(max_examples=40, deadline=None)
@given(st.lists(WORD, min_size=1, max_size=20))
def test_words_arrive_as_they_are(words: list[str]) -> None:
    """A command's words reach it byte for byte: no expansion, no splitting, nothing is run."""
    assert ran(sh("printf", "%s\\0", *words)) == "".join(f"{word}\0" for word in words).encode()


@settings(max_examples=40, deadline=None)
@given(WORD)
def test_quoted_word_inside_a_text(word: str) -> None:
    """A quoted word may stand anywhere in a longer script."""
    assert ran(f'value={quote(word)}; printf %s\\\\0 "$value"') == f"{word}\0".encode()


def test_numbers_and_paths() -> None:
    """Ports and paths need no conversion."""
    assert sh("install", "-m", 600, PurePosixPath("/a b/c")) == "install -m 600 '/a b/c'"


def test_empty_word() -> None:
    """An empty value is a word, not nothing."""
    assert sh("printf", "") == "printf ''"


def test_lines_stop_at_the_first_failure() -> None:
    """Commands one after the other, under the runner's `set -e`."""
    script = lines("echo one", "false", "echo two")
    assert subprocess.run(["bash", "-e", "-c", script], capture_output=True, check=False).stdout == b"one\n"
