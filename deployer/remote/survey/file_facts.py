"""Files and directories as they are on the host."""

import os
import stat
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from deployer.remote import dotenv, files
from deployer.remote.survey.environment_facts import owner
from deployer.remote.survey.surveyed import Surveyed

KINDS = {
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block special file",
    stat.S_IFCHR: "character special file",
}
"""As stat(1) names them."""


def file(host: Surveyed, words: Sequence[str]) -> str:
    """`file PATH [DIGEST]`: KIND/MODE/OWNER, a line with the digest of its content, and the content where that differs.

    Without a digest, which is SHA-256, the content is never shown. Empty where there is none; what is no regular file,
    such as a link, has one line.
    """
    name, *wanted = words
    path = Path(name)
    if not os.path.lexists(path):
        return ""
    found = path.lstat()
    head = f"{_kind(found)}/{stat.S_IMODE(found.st_mode):o}/{owner(found)}"
    if not stat.S_ISREG(found.st_mode):
        return head
    content = files.read(path)
    digest = sha256(content).hexdigest()
    shown = dotenv.decoded(content) if wanted and wanted != [digest] else ""
    return f"{head}\n{digest}\n{shown}"


def _kind(found: os.stat_result) -> str:
    empty = "" if found.st_size else "empty "
    return KINDS.get(stat.S_IFMT(found.st_mode), f"regular {empty}file")


def directories(host: Surveyed, words: Sequence[str]) -> str:
    """`directories PATH…`: a line PATH|MODE|OWNER for each that is there; a link is followed."""
    return "\n".join(_directories(words))


def _directories(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if Path(path).is_dir():
            found = Path(path).stat()
            yield f"{path}|{stat.S_IMODE(found.st_mode):o}|{owner(found)}"
