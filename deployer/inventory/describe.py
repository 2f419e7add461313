"""The inventory's tables as data: each key with its description, default and example, from the model itself."""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from deployer.inventory.load import build
from deployer.inventory.model import Inventory, Origin

SMALLEST = {
    "ssh": {"address": "203.0.113.10"},
    "site": {"domain": "biometric-did.example.com", "email": "admin@example.com"},
}
"""The keys without a default, as the example has them."""

_PARTS = re.compile(r"(?P<text>.*?)(?: Default: (?P<default>.+?)\.)?(?: Example: (?P<example>.+)\.)?", re.DOTALL)


@dataclass(frozen=True)
class Key:
    """One key. `value` is its default, or an example of one that follows from other keys, as `default` explains."""

    name: str
    table: str
    field: FieldInfo
    text: str
    value: object
    default: str = ""
    example: object = None

    @property
    def dotted(self) -> str:
        return f"{self.table}.{self.name}".removeprefix(".")

    @property
    def is_table(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_required(self) -> bool:
        return self.name in SMALLEST.get(self.table, {})


@dataclass(frozen=True)
class Table:
    """One table; without a name: keys of the file itself."""

    name: str
    text: str
    keys: tuple[Key, ...]


def tables() -> tuple[Table, ...]:
    """All tables: first the keys at the top of the file, last the tables whose keys the operator names."""
    defaults = build(SMALLEST, Origin(Path("inventory/example.toml"))).model_dump(mode="json")
    inner = {name: kind for name, field in Inventory.model_fields.items() if (kind := table_of(field))}
    top = [key for key in _keys("", Inventory, defaults) if key.name not in inner]
    named = (Table(name, _text(kind), tuple(_keys(name, kind, defaults[name]))) for name, kind in inner.items())
    return (
        Table("", "", tuple(key for key in top if not key.is_table)),
        *named,
        Table("", "", tuple(key for key in top if key.is_table)),
    )


def table_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a key that is a table."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _text(kind: type[BaseModel]) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


def _keys(table: str, model: type[BaseModel], defaults: Mapping[str, object]) -> Iterator[Key]:
    texts = dict(_descriptions(model))
    for name, field in model.model_fields.items():
        parts = _PARTS.fullmatch(texts.get(name, ""))
        assert parts  # noqa: S101  # every text matches
        example = tomllib.loads(f"x = {parts['example']}")["x"] if parts["example"] else None
        yield Key(name, table, field, parts["text"], defaults[name], parts["default"] or "", example)


def _descriptions(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The text below each key, from the source: reading it at import would cost every run some milliseconds."""
    (tree,) = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)  # noqa: S101  # for the type checker
    for key, below in zip(tree.body, tree.body[1:], strict=False):
        match key, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
