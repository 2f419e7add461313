"""The inventory as JSON Schema (draft 2020-12), for editors and CI: types, ranges, choices, patterns and defaults.

What JSON Schema cannot express, such as files that must exist, is checked when the inventory is loaded.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal, get_args, get_origin

from deployer.inventory.describe import Key, Table, tables
from deployer.inventory.rules import RULES

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SIMPLE = {bool: "boolean", int: "integer", str: "string", PurePosixPath: "string"}


def schema() -> Mapping[str, object]:
    """The complete schema, as JSON has it."""
    found = tables()
    own = tuple(key for table in found if not table.name for key in table.keys)
    inner = {table.name: _table(table) for table in found if table.name}
    return {
        "$schema": DIALECT,
        "title": "Inventory of deployer",
        "description": " ".join(("One host: inventory/NAME.toml.", *(rule.__doc__ or "" for rule in RULES))),
        **_object(own),
        "properties": {**{key.name: _key(key) for key in own}, **inner},
        "required": [name for name, table in inner.items() if "required" in table],
    }


def _table(table: Table) -> Mapping[str, object]:
    needed = [key.name for key in table.keys if _is_needed(key)]
    required = {"required": needed} if needed else {}
    return {"description": table.text, **_object(table.keys), **required}


def _is_needed(key: Key) -> bool:
    return key.field.is_required() and not key.default


def _object(keys: tuple[Key, ...]) -> Mapping[str, object]:
    return {"type": "object", "properties": {key.name: _key(key) for key in keys}, "additionalProperties": False}


def _key(key: Key) -> Mapping[str, object]:
    about: dict[str, object] = {"description": key.text + (f" Default: {key.default}." if key.default else "")}
    if not key.default and not key.is_required:
        about["default"] = key.value
    if key.example is not None:
        about["examples"] = [key.example]
    return {**_type(key.field.annotation, key.field.metadata), **about}


def _type(annotation: object, metadata: list[object]) -> Mapping[str, object]:
    checks = [check.func.schema for check in metadata if hasattr(check, "func")]
    if checks:
        return dict(checks[0])
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is tuple:
        return {"type": "array", "items": _annotated(inner[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "propertyNames": _annotated(inner[0]), "additionalProperties": _annotated(inner[1])}
    return {"type": next(name for kind, name in _SIMPLE.items() if annotation is kind)}


def _annotated(kind: object) -> Mapping[str, object]:
    annotation, *metadata = get_args(kind)
    return _type(annotation, metadata)
