"""SQLite databases that were set aside with their logs and journals: one consistent file is made of each.

Whatever the application writes is parsed by no program that could harm the host: a container does it, without network,
as a user that nobody is, with limits of time, memory and disk. A database for which this fails is archived as it is.
"""

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from deployer.remote import signals
from deployer.remote.backup import sizes
from deployer.remote.backup.staging import SPARE, Copy, Staging
from deployer.remote.backup.tree import FILE
from deployer.remote.docker import BACKEND, running
from deployer.remote.failure import Failure
from deployer.remote.host import Host

HEADER = b"SQLite format 3\0"
LOG, JOURNAL, INDEX = "-wal", "-journal", "-shm"
LOGS = (LOG, JOURNAL)
COMPANIONS = (*LOGS, INDEX)
MAGIC = bytes.fromhex("d9d505f920a163d7")
"""At the beginning of a journal; at its end only where it names a super-journal, which SQLite would remove."""
USER = 1_900_000_001
"""In the range that systemd's documentation leaves unused."""
SECONDS, ALL_SECONDS = 60, 900.0
MEMORY = "256m"
RESULT = re.compile(r"^(\d+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Database:
    """A database and its companions by their endings, as they were set aside."""

    path: str
    copy: Copy
    companions: Mapping[str, Copy]

    @property
    def problem(self) -> str:
        """Why it cannot be given to SQLite; found by reading bytes. Empty where it can."""
        for ending, companion in self.companions.items():
            if companion.entry.type != FILE or not companion.content:
                return f"its {ending} is no file"
            if companion.is_shared:
                return f"its {ending} has several names"
        journal = self.companions.get(JOURNAL)
        if journal and journal.content and _names_super_journal(journal.content):
            return f"its {JOURNAL} names another journal"
        return ""


def fold(host: Host, staging: Staging) -> dict[str, str]:
    """Replace each database that was set aside by its consistent form; why not, by path, where that is not possible."""
    found = _databases(staging.copies)
    problems = {one.path: one.problem for one in found if one.problem}
    sound = [one for one in found if not one.problem]
    directory = staging.directory / "fold"
    if sound:
        results = _folded(host, sound, directory)
        problems |= {path: result for path, result in results.items() if result != "ok"}
    for number, one in enumerate(sound):
        if one.path not in problems and not _take(staging, one, directory / str(number) / "database"):
            problems[one.path] = "what came of it is no file"
    return problems


def _databases(copies: Mapping[str, Copy]) -> list[Database]:
    found = []
    for path, copy in copies.items():
        if copy.content and not path.endswith(COMPANIONS) and _begins_with(copy.content, HEADER):
            companions = {end: copies[path + end] for end in COMPANIONS if path + end in copies}
            found.append(Database(path, copy, companions))
    return found


def _begins_with(file: Path, magic: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(magic)) == magic


def _names_super_journal(journal: Path) -> bool:
    """SQLite's file format, 3: the name of the super-journal and the magic number end the journal."""
    size = journal.stat().st_size
    with journal.open("rb") as file:
        file.seek(max(0, size - len(MAGIC)))
        return size > len(MAGIC) and file.read() == MAGIC


def _folded(host: Host, databases: list[Database], directory: Path) -> dict[str, str]:
    """What the container says of each, by path."""
    try:
        image = _image(host)
        _give_all_away(databases, directory)
        result = host.docker(*_words(host, image, directory, databases), limit=ALL_SECONDS, stdin=_program())
        said = {int(number): text for number, text in RESULT.findall(result.text)}
        why = f"no container of {image} could do it: {(result.last_lines.splitlines() or ['no reason given'])[-1]}"
    except (Failure, OSError) as error:
        said, why = {}, str(error)
    finally:
        with signals.ignored(), suppress(Failure):
            host.docker("rm", "--force", _name(host))
    return {one.path: said.get(number, why) for number, one in enumerate(databases)}


def _give_all_away(databases: list[Database], directory: Path) -> None:
    """Raises Failure where the application's disk would be filled."""
    needed = sum(_size(one.copy) + sum(_size(copy) for copy in one.companions.values()) for one in databases) + SPARE
    if (free := sizes.free(directory.parent)) < needed:
        raise Failure(f"{sizes.megabytes(needed)} of disk space are needed for it, {sizes.megabytes(free)} are free")
    for number, one in enumerate(databases):
        _give_away(one, directory / str(number))


def _give_away(database: Database, directory: Path) -> None:
    """Copies for the container: what was set aside stays as it is."""
    directory.mkdir(mode=0o700, parents=True)
    contents = {"": database.copy, **{end: one for end, one in database.companions.items() if end != INDEX}}
    for ending, copy in contents.items():
        target = directory / f"database{ending}"
        if copy.content:
            shutil.copyfile(copy.content, target)
            os.chown(target, USER, USER)
    for owned in (directory, directory.parent):
        os.chown(owned, USER, USER)


def _words(host: Host, image: str, directory: Path, databases: list[Database]) -> tuple[str, ...]:
    """As little as a container can have; the largest file is one that a log was merged into."""
    largest = max(_size(one.copy) + sum(_size(copy) for copy in one.companions.values()) for one in databases)
    return (
        *("run", "--rm", "--interactive", "--pull", "never", "--name", _name(host), "--network", "none"),
        *("--user", f"{USER}:{USER}", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
        *("--memory", MEMORY, "--pids-limit", "16", "--ulimit", f"fsize={largest + SPARE}", "--log-driver", "none"),
        *("--volume", f"{directory}:/fold", "--workdir", "/fold", "--env", "HOME=/fold", "--entrypoint", "python3"),
        *(image, "-I", "-", "/fold", str(SECONDS)),
    )


def _size(copy: Copy) -> int:
    return copy.content.stat().st_size if copy.content else 0


def _name(host: Host) -> str:
    return f"{host.config.name}-fold"


def _image(host: Host) -> str:
    """The image that the application runs on, or that it would start on."""
    for found in running(host.docker, host.config.name, BACKEND):
        result = host.docker("inspect", "--format", "{{.Image}}", found)
        if result.succeeded and result.text.strip():
            return result.text.strip()
    return f"{host.config.name}-backend:current"


def _program() -> bytes:
    return files("deployer.remote.backup").joinpath("fold_program.py").read_bytes()


def _take(staging: Staging, database: Database, made: Path) -> bool:
    """Put what the container made in the place of the copy; whether it is a file. Owner, mode and times stay."""
    try:
        handle = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    os.close(handle)
    if not made.is_file() or made.is_symlink():
        return False
    size = made.stat().st_size
    staging.copies[database.path] = replace(database.copy, entry=replace(database.copy.entry, size=size), content=made)
    for ending in database.companions:
        del staging.copies[database.path + ending]
    return True
