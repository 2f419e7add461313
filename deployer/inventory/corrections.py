"""A value that is right but for its quotes or brackets: what to write instead."""

import json
import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

LONGEST = 80
"""Characters of a value that is worth repeating."""


def corrected(model: type[BaseModel], key: str, value: object) -> str:
    """`write port = 8000, without quotes`; "" when the value is wrong in another way."""
    field = model.model_fields.get(key)
    if field is None or _is_table(field) or len(str(value)) > LONGEST:
        return ""
    fitting = (found for found in _candidates(value) if _fits(field, found[0]))
    return next((f"write {key} = {json.dumps(right)}, {how}" for right, how in fitting), "")


def _is_table(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _candidates(value: object) -> Iterator[tuple[object, str]]:
    match value:
        case bool():
            return
        case int() | float():
            yield str(value), "in quotes"
            yield [str(value)], "as a list"
        case "true" | "false":
            yield value == "true", "without quotes"
        case str() if re.fullmatch("[0-9]{1,9}", value):
            yield int(value), "without quotes"
            yield [value], "as a list"
        case str() if not re.search(r"['\"\\]", value):
            yield value.split(), "as a list"


def _fits(field: FieldInfo, value: object) -> bool:
    adapter: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation(), config=ConfigDict(strict=True))
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
