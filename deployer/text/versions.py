"""Version numbers as distributions write them."""

import re


def at_least(version: str, minimum: str) -> bool:
    """Whether a version is not older than another; what follows the numbers (`+dfsg1`, `-1ubuntu2`) is left out."""
    return _numbers(version) >= _numbers(minimum)


def newer(version: str, other: str) -> bool:
    """Whether a version comes after another; none at all does not."""
    return _numbers(version) > _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(number) for number in found[1].split(".")) if found else ()
