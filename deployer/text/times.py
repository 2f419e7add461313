"""Times for people: how long, and how long ago."""

from collections.abc import Sequence
from datetime import UTC, datetime

WORDS = ("day", "hour", "minute", "second")
LENGTHS = (86_400, 3_600, 60, 1)
"""Seconds of each unit."""


def in_largest(seconds: int, units: Sequence[str] = WORDS) -> tuple[int, str]:
    """Their number in the largest unit of which there are two, and its name among the four that are given."""
    length, name = next((unit for unit in zip(LENGTHS, units, strict=True) if seconds >= 2 * unit[0]), (1, units[-1]))
    return seconds // length, name


def ago(time: str, now: datetime | None = None) -> str:
    """Given a time in ISO 8601 with its zone, in the largest unit of which there are two; "" for no time."""
    if not time:
        return ""
    seconds = max(0, int(((now or datetime.now(UTC)) - datetime.fromisoformat(time)).total_seconds()))
    number, name = in_largest(seconds)
    return f"{number} {name}{'' if number == 1 else 's'} ago"
