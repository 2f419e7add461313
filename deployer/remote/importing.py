"""Modules that are imported when they are needed: cron and questions start quickly."""

from collections.abc import Callable
from importlib import import_module
from typing import cast


def function(place: str) -> Callable[..., object]:
    """A function by its place below deployer.remote: MODULE:FUNCTION."""
    module, _, name = place.partition(":")
    return cast("Callable[..., object]", getattr(import_module(f"deployer.remote.{module}"), name))
