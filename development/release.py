"""A release of this project: a dated changelog, the version, one commit, one annotated tag. Nothing is pushed."""

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from development.changelog import entries, released

VERSION_FILE = "deployer/__init__.py"
CHANGELOG = "CHANGELOG.md"
FILES = (VERSION_FILE, CHANGELOG)
VERSION = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}")
ASSIGNMENT = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)

Number = tuple[int, ...]


class Refused(Exception):
    """The release was not made, and nothing was written; the text has one line for each reason."""


def release(checkout: Path, version: str, day: date, test: Callable[[], None]) -> str:
    """Make the release and return its tag. `test` raises where a check or a test fails.

    Raises Refused with all reasons at once, before `test` and again after it: tests take minutes.
    """
    _refuse(checkout, version)
    test()
    _refuse(checkout, version)
    text = (checkout / CHANGELOG).read_text()
    _write(checkout, version, released(text, version, day))
    return _commit(checkout, version, entries(text))


def _refuse(checkout: Path, version: str) -> None:
    if problems := list(_problems(checkout, version)):
        raise Refused("\n".join(problems))


def _problems(checkout: Path, version: str) -> Iterator[str]:
    if dirty := git(checkout, "status", "--porcelain"):
        yield f"The working tree has changes that are not committed:\n{dirty}"
    branch = git(checkout, "branch", "--show-current")
    if branch != "main":
        yield f"Releases are made from the branch main, and this is {branch or 'a detached HEAD'}."
    if VERSION.fullmatch(version):
        yield from _problems_of_version(checkout, version)
    else:
        yield f'"{version}" is not a version of the form 1.2.3.'
    if not entries((checkout / CHANGELOG).read_text()):
        yield f'{CHANGELOG} has no entry under "Unreleased".'


def _problems_of_version(checkout: Path, version: str) -> Iterator[str]:
    """A version that is already in the code may be released as long as no tag has it."""
    tags = git(checkout, "tag", "--list", "v*").split()
    if f"v{version}" in tags:
        yield f"The tag v{version} exists."
        return
    there = [tag[1:] for tag in tags if VERSION.fullmatch(tag[1:])]
    latest = max([*there, _current(checkout)], key=_number)
    if _number(version) < _number(latest):
        yield f"{version} is not newer than {latest}."


def _number(version: str) -> Number:
    return tuple(int(part) for part in version.split("."))


def _current(checkout: Path) -> str:
    found = ASSIGNMENT.search((checkout / VERSION_FILE).read_text())
    if found is None or not VERSION.fullmatch(found[1]):
        raise Refused(f'{VERSION_FILE} has no line such as: __version__ = "1.2.3"')
    return found[1]


def _write(checkout: Path, version: str, changelog: str) -> None:
    file = checkout / VERSION_FILE
    file.write_text(ASSIGNMENT.sub(f'__version__ = "{version}"', file.read_text(), count=1))
    (checkout / CHANGELOG).write_text(changelog)


def _commit(checkout: Path, version: str, what: str) -> str:
    """Both files are as they were where git refuses the commit, for example for want of a name and an address."""
    tag = f"v{version}"
    try:
        git(checkout, "commit", "--quiet", "-m", f"Release {version}", "--", *FILES)
    except Refused:
        git(checkout, "checkout", "--quiet", "HEAD", "--", *FILES)
        raise
    git(checkout, "tag", "--annotate", "--cleanup=whitespace", "-m", f"{version}\n\n{what}", tag)
    return tag


def git(checkout: Path, *words: str) -> str:
    """What git prints. Raises Refused with its error."""
    ran = subprocess.run(["git", *words], cwd=checkout, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Refused(f"git {words[0]} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout.rstrip("\n")
