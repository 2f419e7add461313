"""Quoting, in one place: nothing else puts a value into a shell command."""

import shlex
from pathlib import PurePosixPath


def sh(*words: str | int | PurePosixPath) -> str:
    """One shell command from its words, each quoted."""
    return shlex.join(str(word) for word in words)


def quote(word: str | PurePosixPath) -> str:
    """One word, quoted, for use inside a longer shell text."""
    return shlex.quote(str(word))


def lines(*commands: str) -> str:
    """Commands one after the other; the runner stops at the first that fails (`set -e`)."""
    return "\n".join(commands)
