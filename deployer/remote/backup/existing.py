"""The backups in the directory, by their paths: what the catalogue says of each."""

from collections.abc import Mapping
from pathlib import Path

from deployer.remote.backup import catalogue
from deployer.remote.config import Config


def backups(config: Config) -> tuple[Path, ...]:
    """The directories of all backups, the oldest first."""
    return tuple(config.backups / backup.id for backup in catalogue.catalogue(config))


def complete(config: Config) -> tuple[Path, ...]:
    return tuple(config.backups / backup.id for backup in catalogue.complete(config))


def problem(backup: Path) -> str:
    """Why it is incomplete, by names and sizes alone; empty for a complete one."""
    return catalogue.look_at(backup.parent, backup.name).problem


def manifest(backup: Path) -> Mapping[str, object]:
    """Empty where it cannot be read."""
    return catalogue.look_at(backup.parent, backup.name).manifest


def sums(backup: Path) -> Mapping[str, str]:
    """The digest of each file, as SHA256SUMS has it."""
    return catalogue.sums_of(backup)
