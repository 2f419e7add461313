"""Read NAME.toml and NAME.env: a valid inventory, or every mistake at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from deployer.errors import InventoryError
from deployer.inventory import rules
from deployer.inventory.host_files import directory, find, host_file, hosts, members, read_toml
from deployer.inventory.mistakes import Mistake, from_validation
from deployer.inventory.model import Inventory, Origin
from deployer.inventory.secrets_file import read_secrets

__all__ = ["build", "directory", "find", "hosts", "load", "members"]

REMEDY = "every key is explained in docs/inventory.md and inventory/example.toml"


def load(directory: Path, name: str) -> Inventory:
    """The host's inventory. Raises InventoryError with one line for each mistake."""
    file = host_file(directory, name)
    secrets_file = file.with_suffix(".env")
    secrets, wrong_secrets = read_secrets(secrets_file)
    document, wrong_syntax = read_toml(file)
    inventory, wrong_keys = (None, wrong_syntax) if wrong_syntax else examine(document, Origin(file, secrets))
    lines = [*_lines(file, wrong_keys), *_lines(secrets_file, wrong_secrets)]
    if inventory is None or lines:
        raise InventoryError("\n".join(lines), remedy=REMEDY)
    return inventory


def build(document: Mapping[str, object], origin: Origin) -> Inventory:
    """The same for a document that is not in a file yet."""
    inventory, mistakes = examine(document, origin)
    if inventory is None or mistakes:
        raise InventoryError("\n".join(_lines(origin.file, mistakes)), remedy=REMEDY)
    return inventory


def examine(document: Mapping[str, object], origin: Origin) -> tuple[Inventory | None, list[Mistake]]:
    try:
        inventory = Inventory.model_validate(dict(document), context=origin)
    except ValidationError as error:
        mistakes = from_validation(error)
        return None, mistakes + rules.broken(document, {mistake.key for mistake in mistakes}, origin)
    return inventory, rules.broken(document, (), origin)


def _lines(file: Path, mistakes: Iterable[Mistake]) -> list[str]:
    return [mistake.line(file) for mistake in mistakes]
