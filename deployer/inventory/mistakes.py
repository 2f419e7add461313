"""A mistake as the operator reads it: file, key, the value found, and what to write instead."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from deployer.inventory.corrections import corrected
from deployer.inventory.model import Inventory

Endpoint = tuple[int | str, ...]

LONGEST = 80
UNSEEN = re.compile(r"environment\b|backend\.build_args\b|monitoring\.(?!enabled\b)")
"""Keys whose values may be secrets: they are not printed."""

NOT_AVAILABLE = ("monitoring", "hardening", "backend.metrics_path")
"""Keys and tables for which there is no code yet: to accept them would promise what the tool does not do."""

_KINDS = {
    "bool_type": "write true or false, without quotes",
    "tuple_type": 'this is a list: ["a", "b"]',
    "model_type": "this is a table: write its name in [ ] on a line, and its keys below",
    "dict_type": "this is a table: write its name in [ ] on a line, and its keys below",
}


@dataclass(frozen=True)
class Mistake:
    key: str
    right: str
    got: str = ""

    def line(self, file: Path) -> str:
        parts = (shown_path(file), self.key, self.got and f"got {self.got}", self.right)
        return ": ".join(part for part in parts if part)


def from_validation(error: ValidationError) -> list[Mistake]:
    details = (one for one in error.errors(include_url=False) if one["type"] != "default_factory_not_called")
    return [mistake for detail in details for mistake in (_not_available(detail) or [_mistake(detail)])]


def _not_available(detail: ErrorDetails) -> list[Mistake]:
    """A mistake for the key, or for each key of the table; none for other keys."""
    place, value, right = detail["loc"], detail["input"], "not available yet: remove it"
    if dotted(place) not in NOT_AVAILABLE:
        return []
    if not isinstance(value, dict):
        return [Mistake(dotted(place), right, seen(dotted(place), value))]
    inside = ((dotted((*place, str(word))), given) for word, given in value.items())
    return [Mistake(key, right, seen(key, given)) for key, given in inside] or [Mistake(dotted(place), right)]


def _mistake(detail: ErrorDetails) -> Mistake:
    place = detail["loc"]
    key = dotted(place)
    if detail["type"] == "missing":
        return Mistake(key, f"missing: {_expected(place)}")
    if detail["type"] == "extra_forbidden":
        return Mistake(key, f"no such key{_suggestion(place)}")
    right = corrected(_model_at(place[:-1]), str(place[-1]), detail["input"]) or _right(detail)
    return Mistake(key, right, "" if place[-1] == "[key]" else seen(key, detail["input"]))


def _right(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"])
    if detail["type"] == "literal_error":
        return f"expected {context['expected']}"
    return _KINDS.get(detail["type"], detail["msg"])


def dotted(place: Endpoint) -> str:
    """('site', 'aliases', 0) -> site.aliases[0]"""
    pieces = [f"[{part}]" if isinstance(part, int) else f".{_bare(part)}" for part in place if part != "[key]"]
    return "".join(pieces).removeprefix(".")


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key) else shown(key)


def seen(key: str, value: object) -> str:
    """The value, unless it may be a secret."""
    return "a value that is not shown" if UNSEEN.match(key) else shown(value)


def shown(value: object) -> str:
    """On one line, without control characters and passwords, at most LONGEST characters."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = re.sub(r"(://)[^/@\s]*@", r"\1[secret]@", text)
    text = "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _escaped(letter: str) -> str:
    return ascii(letter)[1:-1]


def shown_path(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def close_to(word: str, known: Iterable[str]) -> str:
    """'; did you mean ...?', when one comes close."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f": did you mean `{near[0]}`?" if near else ""


def _suggestion(place: Endpoint) -> str:
    word, model = str(place[-1]), _model_at(place[:-1])
    elsewhere = [home for home, keys in _homes() if word in keys]
    near = close_to(word, model.model_fields)
    return near or (f": it belongs {elsewhere[0]}" if elsewhere else "")


def _homes() -> Iterator[tuple[str, Iterable[str]]]:
    yield "at the top, before the first [table]", ("name", "root")
    for name in Inventory.model_fields:
        yield f"in [{name}]", _model_at((name,)).model_fields


def _expected(place: Endpoint) -> str:
    field = _model_at(place[:-1]).model_fields[str(place[-1])]
    return next((str(check.func.expects) for check in field.metadata if hasattr(check, "func")), "it is required")


def _model_at(place: Endpoint) -> type[BaseModel]:
    """The table that a place is in; one without keys where there is none."""
    if not place:
        return Inventory
    field: FieldInfo | None = Inventory.model_fields.get(str(place[0]))
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else BaseModel
