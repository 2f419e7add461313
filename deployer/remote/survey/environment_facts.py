"""The application's .env, as it is shown."""

import grp
import os
import pwd
import stat
from collections.abc import Sequence
from pathlib import Path

from deployer.remote import dotenv, files
from deployer.remote.environment.shown import PASSWORD, Shown
from deployer.remote.failure import Failure
from deployer.remote.survey.surveyed import Surveyed


def environment(host: Surveyed, words: Sequence[str]) -> str:
    """`environment DERIVED MARKER NAME…`: its mode and owner, then its lines, with [secret STATE DIGEST] for a secret.

    Only the names given, which the operator supplies, get a digest to be compared by. Of comments only the tool's own
    are shown: MARKER and the list of secrets. The line DERIVED, which has [DB_PASSWORD] in place of that password, is
    shown as it is given where it is up to date. Empty where there is no .env.
    """
    derived, marker, *supplied = words
    path = host.config.environment
    content = content_of(path)
    if content is None:
        return ""
    listed = (*supplied, *dotenv.listed_secrets(content))
    found = tuple(dotenv.entries(content))
    password = dotenv.last(found, PASSWORD)
    shown = Shown(host.config.secret_words, listed, supplied, derived, marker, password.value if password else "")
    return "\n".join((attributes(path.stat()), *shown.lines(found)))


def content_of(path: Path) -> bytes | None:
    """None where there is no such file. Raises Failure for what is no file: it is never taken for an absent one."""
    if not os.path.lexists(path):
        return None
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Failure(f"{path} is a link, or no file: put the file itself there")
    return files.read(path)


def attributes(found: os.stat_result) -> str:
    """Mode and owner: 600 root:root."""
    return f"{stat.S_IMODE(found.st_mode):o} {owner(found)}"


def owner(found: os.stat_result) -> str:
    """User and group by their names, as stat(1) has them: root:root."""
    return f"{_user(found.st_uid)}:{_group(found.st_gid)}"


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return "UNKNOWN"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return "UNKNOWN"
