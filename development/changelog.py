"""CHANGELOG.md, in the form of Keep a Changelog: the entries of the next release, and the release itself."""

import re
from datetime import date

UNRELEASED = re.compile(r"^## Unreleased\n(?P<entries>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def entries(changelog: str) -> str:
    """What stands under "Unreleased", or "" where no line of it is an entry ("- …")."""
    found = UNRELEASED.search(changelog)
    text = found["entries"].strip() if found else ""
    return text if re.search(r"^- ", text, re.MULTILINE) else ""


def released(changelog: str, version: str, day: date) -> str:
    """The changelog in which those entries belong to `version`, below an empty "Unreleased"."""
    heading = f"## Unreleased\n\n## {version} - {day.isoformat()}\n"
    return UNRELEASED.sub(lambda found: heading + found["entries"], changelog, count=1)
