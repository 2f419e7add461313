"""The checks behind the types of `grammar`: each says in a sentence what is right, and takes nothing else."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import PlainValidator

from deployer.inventory import names
from deployer.text.dotenv import is_secret


@dataclass(frozen=True)
class Text:
    """A text that `accepts` says yes to; `expects` completes the sentence "got X: ..."."""

    expects: str
    accepts: Callable[[str], object]

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and self.accepts(value):
            return value
        raise ValueError(self.expects)


@dataclass(frozen=True)
class Whole:
    """A whole number in a range."""

    what: str
    lowest: int
    highest: int

    @property
    def expects(self) -> str:
        return f"{self.what} is a number from {self.lowest} to {self.highest}"

    def __call__(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and self.lowest <= value <= self.highest:
            return value
        raise ValueError(self.expects)


@dataclass(frozen=True)
class DomainText:
    """Lower-cased; a name in another script is answered with the form that DNS knows."""

    expects: str = 'a domain is a full host name such as "www.example.com": letters, digits, hyphens, dots'

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and names.is_domain(value):
            return value.lower()
        raise ValueError(self.expects + _idna_hint(value))


@dataclass(frozen=True)
class PathText:
    """An absolute path on the host or in a container."""

    expects: str
    accepts: Callable[[str], object]

    def __call__(self, value: object) -> PurePosixPath:
        if isinstance(value, str | PurePosixPath) and self.accepts(str(value)):
            return PurePosixPath(value)
        raise ValueError(self.expects)


@dataclass(frozen=True)
class VariableName:
    """The name of an environment variable that everyone may see the value of."""

    expects: str = "a variable's name is letters, digits and _, and no digit first"

    def __call__(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", value):
            raise ValueError(self.expects)
        if is_secret(value):
            raise ValueError("a secret goes in NAME.env, beside this file")
        return value


def _idna_hint(value: object) -> str:
    if not isinstance(value, str) or value.isascii():
        return ""
    try:
        encoded = value.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    return f'; in DNS this name is "{encoded}"' if names.is_domain(encoded) else ""


def text(expects: str, accepts: Callable[[str], object]) -> PlainValidator:
    return PlainValidator(Text(expects, accepts))


def optional(expects: str, accepts: Callable[[str], object]) -> PlainValidator:
    """The same text, or "" for "not set"."""
    return text(f'{expects}, or "" for none', lambda value: value == "" or accepts(value))


def path(expects: str, accepts: Callable[[str], object]) -> PlainValidator:
    return PlainValidator(PathText(expects, accepts))


def whole(what: str, lowest: int, highest: int) -> PlainValidator:
    return PlainValidator(Whole(what, lowest, highest))
