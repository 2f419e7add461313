"""The named parts of `--full`: which files' long matrices run together, each part within an hour on two cores.

Files are named by their stem without `test_`, wherever they lie. Only the standard library is needed here: the help of
script/test shows the parts before anything is installed.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

ALL = "all"
PREFIX = "test_"

PARTS: Mapping[str, tuple[str, ...]] = {
    "interrupted": ("interrupted",),
    "provision": ("provision", "take_over", "docker_packages", "drift", "broken_off", "refusals", "faults", "outside"),
    "access": ("bootstrap", "logins", "secrets", "readme", "digest", "watching"),
    "site": ("letsencrypt", "browser", "headers", "maintenance"),
    "release": ("build", "traffic", "undropped"),
    "update": ("update", "update_faults", "full_disk"),
    "backup": ("backup", "backup_faults", "database_backup", "drill", "offsite", "postgres", "recovery"),
    "restore": ("restore", "restore_cut_off", "restore_damaged", "restore_meanwhile"),
    "bare": ("bare_machine",),
}


def matrix_of(nodeid: str) -> str:
    """Given the id of a test, or the path of its file, name the matrix it can belong to."""
    return PurePosixPath(nodeid.partition("::")[0]).stem.removeprefix(PREFIX)


def runs_in(part: str, matrix: str) -> bool:
    """Whether a run of this part runs the tests of that file; `all`, and no part, leave out none."""
    return part in {"", ALL} or matrix in PARTS[part]


def unknown(part: str) -> str:
    """Why this is no part, with all that there are; empty where it is one."""
    if part in {"", ALL, *PARTS}:
        return ""
    return f"--full={part}: there is no such part (before a path write --full={ALL}); the parts are:\n{table()}"


def table() -> str:
    """All parts, a line each, with their files."""
    width = max(len(name) for name in PARTS) + 2
    return "\n".join(f"  {name.ljust(width)}{', '.join(files)}" for name, files in PARTS.items())
