"""The smallest inventory, and the keys of the model, for the tests beside."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from deployer.inventory.load import build
from deployer.inventory.model import Inventory, Origin

REPOSITORY = Path(__file__).parents[3]
EXAMPLE = REPOSITORY / "inventory" / "example.toml"

SMALLEST = """
[ssh]
address = "203.0.113.10"
[site]
domain = "example.com"
email = "admin@example.com"
"""


def with_key(key: str, value: object) -> dict[str, object]:
    """The smallest document with one key set."""
    document = tomllib.loads(SMALLEST)
    *tables, word = key.split(".")
    place = document
    for table in tables:
        place = place.setdefault(table, {})
    place[word] = value
    return document


def inventory(key: str, value: object) -> Inventory:
    return build(with_key(key, value), Origin(Path("inventory/prod.toml")))


def keys(model: type[BaseModel] = Inventory, prefix: str = "") -> Iterator[str]:
    """Every key of the model, dotted; a table without keys of its own as itself."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.model_fields:
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def look_up(values: object, key: str) -> object:
    """The value of a dotted key, in a document or in a model; `.0` is the first of a list."""
    for word in key.split("."):
        if isinstance(values, tuple):
            values = values[int(word)]
        else:
            values = values[word] if isinstance(values, dict) else getattr(values, word)
    return values
