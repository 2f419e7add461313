"""Lines of .env as they are shown: every secret is replaced by what is wrong with it, if anything."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from deployer.remote import dotenv
from deployer.remote.dotenv import Entry, Kind

PASSWORD = "DB_PASSWORD"  # noqa: S105 # its name
IN_PLACE = f"[{PASSWORD}]"
NOT_SHOWN = "[not shown]"
SHORTEST = 32
PLACEHOLDER = re.compile(r"<.*|.*(?:CHANGE_ME|change_me|changeme).*|your[-_].*", re.DOTALL)
FIT = re.compile(r"[A-Za-z0-9._~-]{8,}")
"""A password that can be a part of a URL."""


@dataclass(frozen=True)
class Shown:
    """How the entries of a file are shown: `password` is the database's, `listed` are further names of secrets."""

    words: Sequence[str]
    listed: Sequence[str]
    supplied: Sequence[str]
    derived: str
    marker: str
    password: str

    def lines(self, found: Iterable[Entry]) -> Iterator[str]:
        """After a quote that never ends a line may be a part of that value: none is shown."""
        broken = False
        for entry in found:
            secret = entry.kind is not Kind.OTHER and dotenv.is_secret(entry.name, self.words, self.listed)
            broken = broken or (entry.kind is Kind.UNCLOSED and not secret)
            yield self._line(entry, secret, broken)
            broken = broken or entry.kind is Kind.UNCLOSED

    def _line(self, entry: Entry, secret: bool, broken: bool) -> str:
        if secret and not self._is_derived(entry):
            return self._secret(entry)
        if broken:
            return NOT_SHOWN
        if secret:
            return self.derived
        if entry.kind is Kind.OTHER:
            return self._other(entry.head)
        return f"{entry.head}{entry.text}".replace("\n", "\\n")

    def _is_derived(self, entry: Entry) -> bool:
        filled = self.derived.replace(IN_PLACE, self.password, 1)
        return bool(self.password) and f"{entry.head}{entry.text}" == filled and entry.name not in self.supplied

    def _secret(self, entry: Entry) -> str:
        value = dotenv.encoded(entry.value)
        digest = sha256(value).hexdigest() if entry.name in self.supplied else ""
        return f"{entry.head}[secret {_state(entry, value)} {digest}]"

    def _other(self, line: str) -> str:
        if line in ("", self.marker) or line.startswith(dotenv.LISTED):
            return line
        return "# [not shown]" if line.startswith("#") else "[not a variable]"


def _state(entry: Entry, value: bytes) -> str:
    """What is wrong with a secret; `kept` where nothing is."""
    if entry.kind is Kind.UNCLOSED:
        return "unclosed"
    if entry.name == PASSWORD and not FIT.fullmatch(entry.value):
        return "unfit"
    if PLACEHOLDER.fullmatch(entry.value):
        return "placeholder"
    return "short" if len(value) < SHORTEST else "kept"
