"""Files and directories: the questions with real bash, and the changes that follow from the answers."""

import os
from pathlib import Path, PurePosixPath

import pytest

from deployer.engine.changes import Change, File, Script, WriteFiles
from deployer.engine.facts import Answer, Facts, Unknown
from deployer.inventory.model import Inventory
from deployer.resources.files import Directory, ask_directories, ask_file, ask_files, compare, compare_directories
from tests.support.fakes import IS_ROOT, asked_here, run_here, whys
from tests.unit.remote.inspecting import provisioned
from tests.unit.remote.installed import install

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")


HOST: list[Inventory] = []
"""The one of this test."""


@pytest.fixture
def wanted(tmp_path: Path) -> File:
    return File(PurePosixPath(tmp_path / "it's a file"), b"wanted\n", 0o640)


def stand(file: File, content: bytes | None = None, mode: int | None = None) -> Path:
    path = Path(file.path)
    path.write_bytes(file.content if content is None else content)
    path.chmod(file.mode if mode is None else mode)
    return path


@pytest.fixture(autouse=True, params=["by a script", "by the host program"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Both give the same answers."""
    made = provisioned(tmp_path_factory.mktemp("root"))
    if request.param == "by the host program":
        install(made)
    HOST[:] = [made]
    return made


def changes(file: File, *, show: bool = True) -> list[Change]:
    probes = {"file": ask_file(file, *HOST, show=show)}
    return list(compare(asked_here(probes), {"file": file}, check="true", show=show))


def write(changes: list[Change]) -> WriteFiles:
    (change,) = changes
    assert isinstance(change, WriteFiles)
    return change


class TestFile:
    def test_as_wanted(self, wanted: File) -> None:
        """Nothing is done."""
        stand(wanted)
        assert changes(wanted) == []

    def test_absent(self, wanted: File) -> None:
        """It is written, checked first; the difference shows all of it."""
        change = write(changes(wanted))
        assert change.why == f"write {wanted.path} (absent)"
        assert change.files == (wanted,)
        assert change.check == "true"
        assert change.diff.splitlines()[-1] == "+wanted"

    def test_other_content(self, wanted: File) -> None:
        """The difference shows what goes and what comes."""
        stand(wanted, b"found\n")
        change = write(changes(wanted))
        assert change.why == f"write {wanted.path} (content differs)"
        assert change.diff.splitlines()[-2:] == ["-found", "+wanted"]

    def test_other_content_with_the_same_beginning(self, wanted: File) -> None:
        """A newline too many is a difference."""
        stand(wanted, b"wanted\n\n")
        assert whys(changes(wanted)) == [f"write {wanted.path} (content differs)"]

    def test_empty(self, wanted: File) -> None:
        """An empty file is there, and is not what is wanted."""
        stand(wanted, b"")
        assert whys(changes(wanted)) == [f"write {wanted.path} (content differs)"]

    def test_binary(self, wanted: File) -> None:
        """A file that is no text is compared by its digest; the difference is readable all the same."""
        stand(wanted, b"\xff\xfe\0\x01")
        assert whys(changes(wanted)) == [f"write {wanted.path} (content differs)"]

    def test_secret_content(self, wanted: File) -> None:
        """With show=False neither side's content is in the difference, nor travels."""
        stand(wanted, b"hunter2\n")
        change = write(changes(wanted, show=False))
        assert change.diff == ""
        assert "hunter2" not in asked_here({"file": ask_file(wanted, *HOST, show=False)})["file"]

    def test_other_mode(self, wanted: File) -> None:
        """The mode alone is mended, without writing the file."""
        path = stand(wanted, mode=0o666)
        (change,) = changes(wanted)
        assert isinstance(change, Script)
        assert change.why == f"set {wanted.path} to 0640 root:root (is 0666 root:root)"
        assert run_here(change.script).returncode == 0
        assert path.stat().st_mode & 0o7777 == 0o640
        assert changes(wanted) == []

    def test_other_owner(self, wanted: File) -> None:
        """The owner alone is mended; chmod after chown, which may clear bits."""
        path = stand(wanted)
        os.chown(path, 65534, 65534)
        (change,) = changes(wanted)
        assert isinstance(change, Script)
        assert change.why == f"set {wanted.path} to 0640 root:root (is 0640 nobody:nogroup)"
        assert run_here(change.script).returncode == 0
        assert changes(wanted) == []

    def test_symlink(self, wanted: File) -> None:
        """A link is replaced, not followed, even when what it points to is as wanted."""
        elsewhere = Path(f"{wanted.path}.other")
        elsewhere.write_bytes(wanted.content)
        Path(wanted.path).symlink_to(elsewhere)
        assert whys(changes(wanted)) == [f"write {wanted.path} (is a symbolic link)"]

    def test_dangling_symlink(self, wanted: File) -> None:
        """A link to nowhere is something that stands there."""
        Path(wanted.path).symlink_to("/nowhere")
        assert whys(changes(wanted)) == [f"write {wanted.path} (is a symbolic link)"]

    def test_directory(self, wanted: File) -> None:
        """A directory in the file's place is said."""
        Path(wanted.path).mkdir()
        assert whys(changes(wanted)) == [f"write {wanted.path} (is a directory)"]


class TestSeveral:
    def test_travel_together(self, tmp_path: Path) -> None:
        """Those to be written are one change, those with a wrong mode one each, the others nothing."""
        names = ("absent", "wrong", "mode", "fine")
        files = {name: File(PurePosixPath(tmp_path / name), b"x\n") for name in names}
        stand(files["wrong"], b"y\n")
        stand(files["mode"], mode=0o600)
        stand(files["fine"])
        found = list(compare(asked_here(ask_files(files, *HOST)), files))
        assert whys(found) == [
            f"write {tmp_path}/absent (absent), {tmp_path}/wrong (content differs)",
            f"set {tmp_path}/mode to 0644 root:root (is 0600 root:root)",
        ]
        assert isinstance(found[0], WriteFiles)
        assert found[0].files == (files["absent"], files["wrong"])

    def test_unknown(self, wanted: File) -> None:
        """A file that the host could not look at is unknown, not absent."""
        with pytest.raises(Unknown, match="Permission denied"):
            list(compare(Facts({"file": Answer("", 1, "Permission denied")}), {"file": wanted}))


class TestDirectories:
    def found(self, *directories: Directory) -> list[Change]:
        facts = asked_here({"directories": ask_directories(directories, *HOST)})
        return list(compare_directories(facts["directories"], directories))

    def mend(self, *directories: Directory) -> list[Change]:
        for change in (found := self.found(*directories)):
            assert isinstance(change, Script)
            assert run_here(change.script).returncode == 0
        assert self.found(*directories) == []
        return found

    def test_absent(self, tmp_path: Path) -> None:
        """It is made, with its parents; afterwards nothing is left to do."""
        wanted = Directory(PurePosixPath(tmp_path / "a b" / "c"), 0o700)
        assert whys(self.mend(wanted)) == [f"create {tmp_path}/a b/c (0700)"]

    def test_other_mode(self, tmp_path: Path) -> None:
        """The mode is set."""
        tmp_path.chmod(0o777)
        wanted = Directory(PurePosixPath(tmp_path), 0o750)
        assert whys(self.mend(wanted)) == [f"set {tmp_path} to 0750 root:root (is 0777 root:root)"]

    def test_other_owner(self, tmp_path: Path) -> None:
        """The owner is set, where one is wanted."""
        tmp_path.chmod(0o755)
        os.chown(tmp_path, 65534, 0)
        assert self.found(Directory(PurePosixPath(tmp_path), owner="")) == []
        wanted = Directory(PurePosixPath(tmp_path))
        assert whys(self.mend(wanted)) == [f"set {tmp_path} to 0755 root:root (is 0755 nobody:root)"]

    def test_file_in_its_place(self, tmp_path: Path) -> None:
        """A file is no directory: the change is planned and will fail with mkdir's own words."""
        (tmp_path / "x").write_text("")
        (change,) = self.found(Directory(PurePosixPath(tmp_path / "x")))
        assert isinstance(change, Script)
        ran = run_here(change.script)
        assert ran.returncode != 0
        assert "File exists" in ran.stderr
