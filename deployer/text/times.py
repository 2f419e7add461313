"""Times for people: how long ago."""

from datetime import UTC, datetime

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def ago(time: str, now: datetime | None = None) -> str:
    """Given a time in ISO 8601 with its zone, in the largest unit of which there are two; "" for no time."""
    if not time:
        return ""
    seconds = max(0, int(((now or datetime.now(UTC)) - datetime.fromisoformat(time)).total_seconds()))
    name, length = next((unit for unit in UNITS if seconds >= 2 * unit[1]), UNITS[-1])
    number = seconds // length
    return f"{number} {name}{'' if number == 1 else 's'} ago"
