"""Is this a cron schedule? Five fields, as crontab(5) describes them, each number in its range."""

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, start=1)},
    "weekday": {name: number for number, name in enumerate(_DAYS)},
}
_RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9a-z]+)(?:-(?P<last>[0-9a-z]+))?)(?:/(?P<step>[0-9]{1,3}))?")


def is_schedule(text: str) -> bool:
    fields = text.split(" ")
    return len(fields) == len(_RANGES) and all(map(_is_field, _RANGES, fields))


def _is_field(kind: str, text: str) -> bool:
    return all(_is_item(kind, item) for item in text.split(","))


def _is_item(kind: str, text: str) -> bool:
    match = _ITEM.fullmatch(text)
    if match is None or match["step"] == "0":
        return False
    if match["first"] is None:
        return True
    return _is_range(kind, match["first"], match["last"]) and (match["last"] is not None or not match["step"])


def _is_range(kind: str, first: str, last: str | None) -> bool:
    low, high = _RANGES[kind]
    start, end = _number(kind, first), _number(kind, last or first)
    return low <= start <= end <= high


def _number(kind: str, text: str) -> int:
    named = _NAMES.get(kind, {}).get(text, -1)
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else named
