"""The swap of a restore, killed at any renaming or removal, and its undo killed as well: nothing is lost."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deployer.remote.backup import mounts
from deployer.remote.backup.tree import Item
from deployer.remote.failure import Failure
from deployer.remote.restore.swap import Swap, present

FAST = "/dev/shm"  # another file system, where it is there
ITEMS = ("data", ".env", "nginx/assets", "gone", "fresh", "far")
ALIKE = ("data/x", ".env", "nginx/assets/a", "far/f", "far/g")
PRESENT = dict.fromkeys((*ALIKE, "data/y", "gone"), "old")
BACKED_UP = dict.fromkeys((*ALIKE, "data/z", "fresh"), "new")


class Killed(BaseException):
    """What SIGKILL does to a program: nothing of it is caught."""


class Machine:
    """Ends the program before the renaming or removal after `left` ones; a removal is half done then."""

    def __init__(self, left: int) -> None:
        self.left = left

    def count(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1

    def __call__(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> bool:
        """Whether it came to its end."""
        rename, remove = Path.rename, shutil.rmtree

        def renamed(path: Path, to: Path) -> Path:
            self.count()
            return rename(path, to)

        def removed(path: Path) -> None:
            if self.left == 0:
                next(file for file in path.rglob("*") if file.is_file()).unlink()
            self.count()
            remove(path)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", renamed)
            patched.setattr(shutil, "rmtree", removed)
            try:
                act()
            except Killed:
                return False
        return True


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory on another file system, where there is one: a renaming becomes a copy."""
    with TemporaryDirectory(dir=FAST if os.access(FAST, os.W_OK) else None) as directory:
        yield Path(directory)


def write(base: Path, far: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
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


def made(place: Path, elsewhere: Path, name: str) -> tuple[Path, Path, Swap]:
    root, far = place / name, elsewhere / name
    write(root, far, PRESENT)
    write(root / "new", root / "new", BACKED_UP)
    items = tuple(Item(far if item == "far" else root, item) for item in ITEMS)
    return root, far, Swap(items, root / "new", root / "former", present(items))


def test_swapped(tmp_path: Path, elsewhere: Path) -> None:
    """What was backed up is in place, what was there before is set aside."""
    root, far, swap = made(tmp_path, elsewhere, "all")
    swap.do()
    assert read(root, far) == BACKED_UP
    assert read(root / "former", root / "former") == PRESENT


def test_undone(tmp_path: Path, elsewhere: Path) -> None:
    """As before, and what was restored is where it was unpacked."""
    root, far, swap = made(tmp_path, elsewhere, "all")
    swap.do()
    swap.undo()
    assert read(root, far) == PRESENT
    assert read(root / "new", root / "new") == BACKED_UP


@pytest.mark.parametrize("done", range(18))
def test_killed_anywhere(done: int, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any step of the swap, and of the undo: the next undo finds all of the previous state."""
    for undone in itertools.count(0, 2):
        root, far, swap = made(tmp_path, elsewhere, str(undone))
        Machine(done)(monkeypatch, swap.do)
        ended = Machine(undone)(monkeypatch, swap.undo)
        swap.undo()
        assert read(root, far) == PRESENT, undone
        if ended:
            return


def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *points: Path) -> None:
    """As the kernel would list it, of the same device or of another."""
    table = tmp_path / "mountinfo"
    lines = (f"36 35 98:0 / {point} rw - ext4 /dev/x rw" for point in points)
    table.write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.setattr(mounts, "TABLE", table)


def test_a_mount_is_never_emptied(tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mounted below what is removed by the undo, while the restore went on: it stays, and is named."""
    root, _, swap = made(tmp_path, elsewhere, "all")
    swap.do()
    (root / "new" / "data").mkdir()  # so that the restored one has to be removed
    mounted(monkeypatch, tmp_path, root / "data" / "uploads")
    with pytest.raises(Failure, match=r"something is mounted at .*/data/uploads"):
        swap.undo()
    assert (root / "data" / "z").exists()
    assert (root / "former" / "data" / "y").exists()
    assert (root / ".env").read_text() == "old"
