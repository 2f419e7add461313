"""The wallet's files whose names hold a hash of their content: kept for as long as their release is.

A browser that loaded an index asks for the files that it names, from whichever release answers. Nothing but regular
files leaves the image: whatever it holds, no link and no device of it is ever published.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from deployer.remote.host import Host
from deployer.remote.image_files import PAGES, container_of, files_below
from deployer.remote.release.hashed import HASHED
from deployer.remote.release.target import Target

FILE, DIRECTORY = 0o644, 0o755


def staged(host: Host) -> Path:
    """What the release that is being rolled out will keep."""
    return host.config.state / "releases" / ".next"


def published(host: Host) -> Path:
    """What the proxy serves where the wallet's container does not have it."""
    return host.config.nginx / "assets"


def forget_staged(host: Host) -> None:
    shutil.rmtree(staged(host), ignore_errors=True)


def keep(host: Host, target: Target) -> None:
    """Before the switch: the files of the new wallet, for the release and for visitors. Raises Failure."""
    forget_staged(host)
    directory = staged(host) / "assets"
    directory.mkdir(parents=True, mode=DIRECTORY)
    published(host).mkdir(mode=DIRECTORY, exist_ok=True)
    if target.wallet:
        _export(host, target.wallet.image, directory)
    _publish(host, directory)


def _export(host: Host, image: str, directory: Path) -> None:
    hashed = re.compile(HASHED)
    with container_of(host, image, "none") as container, files_below(host, container, PAGES) as files:
        for path, content in files:
            if hashed.search(path.name):
                _write(directory / path.relative_to(PAGES.name), content)


def _write(target: Path, content: IO[bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file)
    target.chmod(FILE)


def _publish(host: Host, directory: Path) -> None:
    """A name that is there already stays what it is, unless it is no regular file: that was planted."""
    for path in regular_files(directory):
        target = published(host) / path
        _make_directories(published(host), path.parent)
        if not _is_regular(target):
            _remove(target)
            os.link(directory / path, target)


def _make_directories(root: Path, below: PurePosixPath) -> None:
    for number in range(1, len(below.parts) + 1):
        directory = root.joinpath(*below.parts[:number])
        if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
            _remove(directory)
        directory.mkdir(mode=DIRECTORY, exist_ok=True)


def regular_files(directory: Path) -> Iterator[PurePosixPath]:
    """Below a directory, by their path in it; links are not followed."""
    for parent, _, names in os.walk(directory):
        for name in names:
            if _is_regular(Path(parent, name)):
                yield PurePosixPath(Path(parent, name).relative_to(directory))


def clear(host: Host, releases: Path) -> None:
    """Remove all but regular files and directories: links and devices of an image, which older versions kept."""
    for directory in (published(host), *releases.glob("*/assets")):
        for parent, directories, names in os.walk(directory):
            for path in (Path(parent, name) for name in (*directories, *names)):
                if path.is_symlink() or not (path.is_dir() or _is_regular(path)):
                    path.unlink()


def prune(host: Host, releases: Path) -> None:
    """Remove what no kept release holds (by name: two releases do not share the inode), and all but regular files."""
    wanted = {path for assets in releases.glob("*/assets") for path in regular_files(assets)}
    for parent, directories, names in os.walk(published(host), topdown=False):
        for name in (*names, *directories):
            path = Path(parent, name)
            if path.is_dir() and not path.is_symlink():
                _remove_empty(path)
            elif not _is_regular(path) or PurePosixPath(path.relative_to(published(host))) not in wanted:
                path.unlink()


def _remove_empty(directory: Path) -> None:
    if not any(directory.iterdir()):
        directory.rmdir()


def _is_regular(path: Path) -> bool:
    return os.path.lexists(path) and stat.S_ISREG(path.lstat().st_mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
