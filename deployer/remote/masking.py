"""Secrets of .env files in what a verb prints: masked on the host, before anything is sent or logged.

The files are read as Compose does: `export`, blanks, `:` for `=`, a quoted value of several lines, CRLF. engine/mask.sh
does the same where there may be no Python yet; both pass the same tests.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from deployer.remote import dotenv, files

SHORTEST = 8
"""Bytes: what is shorter may be part of any word."""
QUOTES = (b"'", b'"')
ESCAPED = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|0[0-7]{1,3}|.)", re.DOTALL)
CHARACTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"e": b"\x1b", b"f": b"\f", b"v": b"\v"}
PEM = re.compile(rb"[\"']?-----(?:BEGIN|END) [A-Z0-9 ]+-----[\"']?")
"""The first and the last line of every PEM file: they are no secret."""


def secrets_of(file: Path, words: Collection[str]) -> tuple[bytes, ...]:
    """Those of a file; none where there is no file."""
    return secrets_in(files.read(file), words)


def secrets_in(content: bytes, words: Collection[str]) -> tuple[bytes, ...]:
    """Every form in which a program may print a secret of a file with this content, the longest first.

    A secret's name contains one of the words, in upper or lower case, or is in the file's line `# secrets: NAME …`.
    """
    listed = dotenv.listed_secrets(content)
    by_line = (entry for line in content.split(b"\n") for entry in dotenv.entries(line))  # not every file is Compose's
    found: set[bytes] = set()
    for entry in (*dotenv.entries(content), *by_line):
        if entry.name and dotenv.is_secret(entry.name, words, listed):
            text, value = dotenv.encoded(entry.text), dotenv.encoded(entry.value)
            found.update(line for form in _forms(text, value) for line in form.split(b"\n"))
    long = (form for form in found if len(form) >= SHORTEST and not PEM.fullmatch(form))
    return tuple(sorted(long, key=len, reverse=True))


def _forms(text: bytes, value: bytes) -> Iterator[bytes]:
    """As it is written, as a program gets it, and as one without its escapes."""
    yield from (text, value)
    if len(text) > 1 and text[:1] in QUOTES and text[:1] == text[-1:]:
        yield text[1:-1]
    if text[:1] == b'"':
        yield ESCAPED.sub(_character, value.replace(b"\\$", b"$"))


def _character(escaped: "re.Match[bytes]") -> bytes:
    letters = escaped[1]
    if len(letters) > 1:
        number = int(letters[1:], 16) if letters[:1] == b"x" else int(letters, 8)
        return bytes([number & 0xFF])
    return CHARACTERS.get(letters, letters if letters == b"\\" else escaped[0])
