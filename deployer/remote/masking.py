"""Secrets of .env files in what a verb prints: masked on the host, before anything is sent or logged.

The files are read as Compose does: `export`, blanks, `:` for `=`, a quoted value of several lines, CRLF. engine/mask.sh
does the same where there may be no Python yet; both pass the same tests.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from deployer.remote import files

MASK = b"[secret]"
SHORTEST = 8
"""Bytes: what is shorter may be part of any word."""
QUOTES = (b"'", b'"')
ENTRY = re.compile(rb"\s*(?:export\s+)?([^\s=:#][^\s=:]*)\s*[=:]\s*(.*)", re.DOTALL)
CLOSED = {quote: re.compile(rb"%b((?:[^%b\\]|\\.)*)%b" % (quote, quote, quote), re.DOTALL) for quote in QUOTES}
ESCAPED = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|0[0-7]{1,3}|.)", re.DOTALL)
CHARACTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"e": b"\x1b", b"f": b"\f", b"v": b"\v"}
PEM = re.compile(rb"[\"']?-----(?:BEGIN|END) [A-Z0-9 ]+-----[\"']?")
"""The first and the last line of every PEM file: they are no secret."""


def masked(data: bytes, secrets: Sequence[bytes]) -> bytes:
    """The data without these secrets, of which longer ones come first."""
    for secret in secrets:
        data = data.replace(secret, MASK)
    return data


def secrets_of(file: Path, words: Collection[str]) -> tuple[bytes, ...]:
    """Those of a file; none where there is no file."""
    return secrets_in(files.read(file), words)


def secrets_in(content: bytes, words: Collection[str]) -> tuple[bytes, ...]:
    """Every form in which a program may print a secret of a file with this content, the longest first.

    A secret's name contains one of the words, in upper or lower case, or is in the file's line `# secrets: NAME …`.
    """
    lines = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    listed = {name for line in lines if line.startswith(b"# secrets: ") for name in line.split()[2:]}
    found: set[bytes] = set()
    for name, text in (*_entries(lines), *_entries(lines, by_line=True)):
        if name in listed or any(word.encode() in name.upper() for word in words):
            found.update(line for form in _forms(text) for line in form.split(b"\n"))
    long = (form for form in found if len(form) >= SHORTEST and not PEM.fullmatch(form))
    return tuple(sorted(long, key=len, reverse=True))


def _entries(lines: Sequence[bytes], *, by_line: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Name and value, as it is written, of each entry; `by_line`: not every file is meant for Compose."""
    number = 0
    while number < len(lines):
        entry = ENTRY.fullmatch(lines[number])
        number += 1
        if entry:
            name, text = entry.groups()
            text, number = (text, number) if by_line else _closed(text, lines, number)
            yield name, text


def _closed(text: bytes, lines: Sequence[bytes], number: int) -> tuple[bytes, int]:
    """The value to its closing quote, and the number of the next line; one line where the quote is never closed."""
    closed = CLOSED.get(text[:1])
    joined, last = text, number
    while closed and not closed.match(joined):
        if last == len(lines):
            return text, number
        joined, last = joined + b"\n" + lines[last], last + 1
    return joined, last


def _forms(text: bytes) -> Iterator[bytes]:
    """As it is written, as a program gets it, and as one without its escapes."""
    value = _plain(text)
    yield from (text, value)
    if len(text) > 1 and text[:1] in QUOTES and text[:1] == text[-1:]:
        yield text[1:-1]
    if text[:1] == b'"':
        yield ESCAPED.sub(_character, value.replace(b"\\$", b"$"))


def _plain(text: bytes) -> bytes:
    """Without quotes; or without a comment, and blanks, at its end."""
    closed = CLOSED.get(text[:1])
    if not closed:
        return text.partition(b" #")[0].rstrip()
    within = closed.match(text)
    return within[1].replace(b"\\" + text[:1], text[:1]) if within else text


def _character(escaped: "re.Match[bytes]") -> bytes:
    letters = escaped[1]
    if len(letters) > 1:
        number = int(letters[1:], 16) if letters[:1] == b"x" else int(letters, 8)
        return bytes([number & 0xFF])
    return CHARACTERS.get(letters, letters if letters == b"\\" else escaped[0])
