"""How much a backup reads, and how much disk it needs."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from deployer.remote.backup.tree import Item, walk


def held(items: Iterable[Item]) -> int:
    """Bytes of the files of these items; of a file with holes those that the disk has."""
    return sum(min(found.st_size, found.st_blocks * 512) for found in _files(items))


def has_files(items: Iterable[Item]) -> bool:
    return any(True for _ in _files(items))


def _files(items: Iterable[Item]) -> "Iterable[os.stat_result]":
    for item in items:
        for found in walk(item, lambda path, why: None):
            if stat.S_ISREG(found.state.st_mode):
                yield found.state


def free(directory: Path) -> int:
    """Bytes that are free for root's programs as `df` counts them."""
    state = os.statvfs(directory)
    return state.f_bavail * state.f_frsize


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"
