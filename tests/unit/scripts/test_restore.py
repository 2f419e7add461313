"""The swap of a restore with real bash: broken off at any command, and its way back as well, nothing is lost."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest

from deployer.backups.catalogue import Backup
from deployer.backups.scripts.restore import restore_functions
from deployer.engine.program import script
from deployer.text.shell import lines, quote
from tests.support.fakes import inventory

FAST = "/dev/shm"  # another file system, where it is there
ITEMS = ("data", ".env", "nginx/assets", "gone", "fresh", "far")
PRESENT = {
    "data/x": "old",
    "data/y": "old",
    ".env": "old",
    "nginx/assets/a": "old",
    "gone": "old",
    "far/f": "old",
    "far/g": "old",
}
BACKED_UP = {
    "data/x": "new",
    "data/z": "new",
    ".env": "new",
    "nginx/assets/a": "new",
    "fresh": "new",
    "far/f": "new",
    "far/g": "new",
}
BROKEN = 9
COUNTED = '{name}() {{ if [ $left = 0 ]; then exit 9; fi; left=$((left - 1)); command {name} "$@"; }}'
HALF_REMOVED = """rm() {
  if [ $left = 0 ]; then find "${@:2}" -type f 2>/dev/null | head -n 1 | xargs -r rm; exit 9; fi
  left=$((left - 1))
  command rm "$@"
}"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system, where there is one: a renaming becomes a copy."""
    with TemporaryDirectory(dir=FAST if os.access(FAST, os.W_OK) else None) as directory:
        yield Path(directory)


def write(base: Path, far: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = (far if name.startswith("far") else base) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def read(base: Path, far: Path) -> dict[str, str]:
    found = {str(path.relative_to(far)): path.read_text() for path in far.rglob("*") if path.is_file()}
    for item in ITEMS:
        path = base / item
        files = path.rglob("*") if path.is_dir() else (path,)
        found |= {str(file.relative_to(base)): file.read_text() for file in files if file.is_file()}
    return found


def run(root: Path, far: Path, act: str, left: int) -> int:
    """The function, killed before the command after `left` ones that change something."""
    staging = root / ".deployer/restoring"
    items = "\n".join(f"{far if item == 'far' else root} {item}" for item in ITEMS)
    commands = lines(
        f"staging={quote(str(staging))} NGINX= SCOPE=",
        script("backups/scripts/restore.sh", ID="", FALLBACK=""),
        f"left={left} former={quote(str(root / 'former'))}",
        f"swapped_items() {{ echo {quote(items)}; }}",
        *(COUNTED.format(name=name) for name in ("mv", "cp")),
        HALF_REMOVED,
        act,
    )
    return subprocess.run(["bash", "-u", "-c", commands], capture_output=True, check=False).returncode


def prepare(root: Path, far: Path) -> None:
    staging = root / ".deployer/restoring"
    write(root, far, PRESENT)
    write(staging / "new", staging / "new", BACKED_UP)
    (staging / "names").write_text("".join(f"{item}\n" for item in ITEMS if item != "gone"))


def made(place: Path, elsewhere: Path, name: str) -> tuple[Path, Path]:
    root, far = place / name, elsewhere / name
    root.mkdir()
    far.mkdir()
    prepare(root, far)
    return root, far


def test_swapped(tmp_path: Path, elsewhere: Path) -> None:
    """What was backed up is in place, what was there before is set aside."""
    root, far = made(tmp_path, elsewhere, "whole")
    assert run(root, far, "swap_files", 1000) == 0
    assert read(root, far) == BACKED_UP
    assert read(root / "former", root / "former") == PRESENT


@pytest.mark.parametrize("done", range(2, 40, 6))
def test_broken_off_anywhere(done: int, tmp_path: Path, elsewhere: Path) -> None:
    """After any command of the swap, and of the way back: the next way back finds all of the former state."""
    for undone in itertools.count(0, 5):
        root, far = made(tmp_path, elsewhere, str(undone))
        assert run(root, far, "swap_files", done) in (0, BROKEN)
        ended = run(root, far, "swap_files_back", undone) == 0
        assert run(root, far, "swap_files_back", 1000) == 0
        assert read(root, far) == PRESENT, undone
        if ended:
            return


# -- the database ------------------------------------------------------------------------------------------------------

SERVER = """
await() { shift; "$@"; }
ask_database() { if [[ $(cat) == *drop* ]]; then rm -f app_former; fi; }
server_answers() { [ -e is_up ]; }
has_database() { [ -e "$1" ]; }
rename_database() { if [ $left = 0 ]; then exit 9; fi; left=$((left - 1)); mv "$1" "$2"; }
"""
"""Databases are files, with the name of the state that they hold."""


def ask(directory: Path, act: str, left: int = 1000) -> int:
    text = lines(
        script("backups/scripts/database.sh", DATABASE="app", DATABASE_USER=""), SERVER, f"staging=. left={left}", act
    )
    return subprocess.run(["bash", "-u", "-c", text], cwd=directory, capture_output=True, check=False).returncode


def databases(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.glob("app*")}


@pytest.mark.parametrize("undone", range(3))
@pytest.mark.parametrize("done", range(3))
def test_database_broken_off_anywhere(done: int, undone: int, tmp_path: Path) -> None:
    """The former one serves again, whatever was renamed; the one of an earlier restore is not taken for it."""
    before = {"app": "old", "app_former": "older", "app_restoring": "new"}
    write(tmp_path, tmp_path, {**before, "is_up": "", "database": ""})
    assert ask(tmp_path, "database_swap", done) == (0 if done == 2 else BROKEN)
    ask(tmp_path, "database_swap_back", undone)
    assert ask(tmp_path, "database_swap_back") == 0
    assert databases(tmp_path) == {"app": "old", "app_restoring": "new"}


def test_no_database_of_this_restore(tmp_path: Path) -> None:
    """What other restores left stays as it is."""
    before = {"app": "old", "app_former": "older", "app_restoring": "stale"}
    write(tmp_path, tmp_path, before)
    assert (ask(tmp_path, "database_swap"), ask(tmp_path, "database_swap_back")) == (0, 0)
    assert databases(tmp_path) == before


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    """It cannot tell what there is: the way back has failed, and is tried again by the next run."""
    write(tmp_path, tmp_path, {"app_former": "old", "app_restoring": "new", "database": ""})
    assert ask(tmp_path, "database_swap_back") == 1


def test_recovery_shows_no_secret(tmp_path: Path) -> None:
    """The program that an interrupted restore leaves is complete by itself, and masks what it prints."""
    host = inventory().model_copy(update={"root": PurePosixPath(tmp_path)})
    (tmp_path / ".env").write_text("API_SECRET_KEY=a-secret-of-the-host\n")
    backup = Backup("biometric-did_20260101_020000", commit="0" * 40)
    played = "finish_interrupted() { echo a-secret-of-the-host; return 5; }"
    program = lines(restore_functions(host, backup, ("config",), {}), played, "act mend")
    ran = subprocess.run(["bash", "-u", "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (5, "[secret]\n", "")
