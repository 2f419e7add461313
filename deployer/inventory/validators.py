"""The checks behind the types of `grammar`: each states in a sentence what it accepts, and as JSON Schema.

A `pattern` is for editors: it may accept more than the check, never less.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import PlainValidator

from deployer.inventory import locations
from deployer.text.dotenv import SECRET_WORDS, is_secret

Schema = Mapping[str, object]

VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,127}"

_SECRET = "|".join(
    "".join(f"[{sign}{sign.lower()}]" if sign.isalpha() else sign for sign in word) for word in SECRET_WORDS
)
"""JSON Schema has no expressions that ignore case."""


def string(pattern: str) -> Schema:
    """A string of which all must match; any string for an empty pattern."""
    return {"type": "string", **({"pattern": f"^(?:{pattern})$"} if pattern else {})}


@dataclass(frozen=True)
class Text:
    """A text that `accepts` returns true for; `expects` completes the sentence "got X: ..."."""

    expects: str
    accepts: Callable[[str], object]
    pattern: str = ""

    @property
    def schema(self) -> Schema:
        return string(self.pattern)

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and self.accepts(value):
            return value
        raise ValueError(self.expects)


@dataclass(frozen=True)
class Integer:
    """An integer in a range."""

    what: str
    lowest: int
    highest: int

    @property
    def expects(self) -> str:
        return f"{self.what} is a number from {self.lowest} to {self.highest}"

    @property
    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}

    def __call__(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and self.lowest <= value <= self.highest:
            return value
        raise ValueError(self.expects)


@dataclass(frozen=True)
class DomainText:
    """Lower-cased; for a name in another script the message contains the form that DNS uses."""

    expects: str = 'a domain is a full host name such as "www.example.com": letters, digits, hyphens, dots'

    @property
    def schema(self) -> Schema:
        return string(rf"{locations.LABEL}(?:\.{locations.LABEL})+")

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and locations.is_domain(value):
            return value.lower()
        raise ValueError(self.expects + _idna_hint(value))


@dataclass(frozen=True)
class PathText:
    """An absolute path on the host or in a container."""

    expects: str
    accepts: Callable[[str], object]

    @property
    def schema(self) -> Schema:
        return string(r"/[A-Za-z0-9._+@/-]+")

    def __call__(self, value: object) -> PurePosixPath:
        if isinstance(value, str | PurePosixPath) and self.accepts(str(value)):
            return PurePosixPath(value)
        raise ValueError(self.expects)


@dataclass(frozen=True)
class VariableName:
    """The name of an environment variable whose value everyone may see."""

    expects: str = "a variable's name is letters, digits and _, not beginning with a digit"

    @property
    def schema(self) -> Schema:
        return {**string(VARIABLE), "not": {"pattern": _SECRET}}

    def __call__(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(VARIABLE, value):
            raise ValueError(self.expects)
        if is_secret(value):
            raise ValueError("by its name this is a secret: move it to NAME.env, next to this file")
        return value


def _idna_hint(value: object) -> str:
    if not isinstance(value, str) or value.isascii():
        return ""
    try:
        encoded = value.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    return f'; in DNS this name is "{encoded}"' if locations.is_domain(encoded) else ""


def text(expects: str, accepts: Callable[[str], object], pattern: str = "") -> PlainValidator:
    return PlainValidator(Text(expects, accepts, pattern))


def optional(expects: str, accepts: Callable[[str], object], pattern: str = "") -> PlainValidator:
    """The same text, or "" for "not set"."""
    either = f"(?:{pattern})?" if pattern else ""
    return text(f'{expects}, or "" for none', lambda value: value == "" or accepts(value), either)


def path(expects: str, accepts: Callable[[str], object]) -> PlainValidator:
    return PlainValidator(PathText(expects, accepts))


def integer(what: str, lowest: int, highest: int) -> PlainValidator:
    return PlainValidator(Integer(what, lowest, highest))
