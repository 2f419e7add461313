"""Files of variables as Compose reads them (compose-go's dotenv parser), and which of their names are secrets."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from deployer.remote.failure import Failure

_ENTRY = re.compile(r"(\s*(?:export\s+)?([^\s=:#][^\s=:]*)\s*[=:]\s*)(.*)", re.ASCII)
LISTED = "# secrets: "
_END_OF_QUOTED = {quote: re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL) for quote in "'\""}
_QUOTES = ("'", '"')


class Kind(Enum):
    """What an entry is."""

    VARIABLE = "variable"
    UNCLOSED = "unclosed"
    """Its quote never ends: the entry is this one line."""
    OTHER = "other"
    """A comment, an empty line, or what Compose could not read."""


@dataclass(frozen=True)
class Entry:
    """One variable: `head` is all before its value as written, `text` the value as written, with its quotes.

    Of what is no variable `head` is the complete line.
    """

    kind: Kind
    head: str
    name: str = ""
    text: str = ""

    @property
    def value(self) -> str:
        """What a program gets: without quotes, or without blanks and a comment at its end."""
        if self.text[:1] in _QUOTES:
            quote = self.text[0]
            closed = _END_OF_QUOTED[quote].match(self.text)
            return closed[1].replace(f"\\{quote}", quote) if closed else self.text
        return self.text.partition(" #")[0].rstrip(" \t\n\r\f\v")

    @property
    def is_literal(self) -> bool:
        """Whether `value` is certain: in double quotes, and without quotes, Compose expands more than is done here."""
        if self.kind is not Kind.VARIABLE:
            return False
        return self.text.startswith("'") or not re.search(r"[\\$]", self.text)


def decoded(content: bytes) -> str:
    """Any bytes as text; `encoded` is its reverse."""
    return content.decode(errors="surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def entries(content: bytes) -> Iterator[Entry]:
    """The entries of a file in their order; a quoted value may have several lines, and a line may end with CRLF."""
    lines = [line.removesuffix("\r") for line in decoded(content).removesuffix("\n").split("\n")] if content else []
    while lines:
        entry, count = _first(lines)
        yield entry
        del lines[:count]


def last(found: Sequence[Entry], name: str) -> Entry | None:
    """The last entry of a name counts, as for Compose."""
    return next((entry for entry in reversed(found) if entry.name == name), None)


def _first(lines: Sequence[str]) -> tuple[Entry, int]:
    """The entry that begins with the first line, and its number of lines."""
    found = _ENTRY.fullmatch(lines[0])
    if not found:
        return Entry(Kind.OTHER, lines[0]), 1
    head, name, text = found.groups()
    if text[:1] not in _QUOTES:
        return Entry(Kind.VARIABLE, head, name, text), 1
    for count in range(1, len(lines) + 1):
        quoted = "\n".join((text, *lines[1:count]))
        if _END_OF_QUOTED[text[0]].match(quoted):
            return Entry(Kind.VARIABLE, head, name, quoted), count
    return Entry(Kind.UNCLOSED, head, name, text), 1


def listed_secrets(content: bytes) -> tuple[str, ...]:
    """The names that the file's lines `# secrets: NAME …` add, each once."""
    lines = (line.removesuffix("\r") for line in decoded(content).split("\n"))
    names = (name for line in lines if line.startswith(LISTED) for name in line.removeprefix(LISTED).split())
    return tuple(dict.fromkeys(names))


def secrets_line(names: Collection[str]) -> str:
    """The line that lists them."""
    return f"{LISTED}{' '.join(names)}"


def line(name: str, value: str) -> str:
    """One line that Compose reads back byte for byte. Raises Failure for a value that a line cannot hold."""
    if re.search(r"[\r\n\0]|\\'|\\\Z", value):
        raise Failure(f"{name} cannot be written: a line of .env holds no newline, and no backslash before a quote")
    return f"{name}='{value.replace(chr(39), chr(92) + chr(39))}'"


def is_secret(name: str, words: Collection[str], listed: Collection[str]) -> bool:
    """Whether a name is a secret's: it has one of the words, in upper or lower case, or is listed."""
    return name in listed or bool(re.search("|".join(map(re.escape, words)), name, re.IGNORECASE | re.ASCII))
