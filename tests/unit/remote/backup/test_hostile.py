"""What an application can do to the backup that reads its files: nothing is followed, and what verifies unpacks."""

import json
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.remote.backup import existing, make, tree, verify
from deployer.remote.backup.archive import Archive
from deployer.remote.backup.volumes import Volumes
from deployer.remote.failure import Failure
from deployer.remote.restore.unpack import Unpacked
from tests.support import tree as reference

from .archives import accepted, packed, unpacked
from .conftest import Site

Act = Callable[[], object]


def during_reading(monkeypatch: pytest.MonkeyPatch, path: str, act: Act) -> None:
    """Let the application act while the backup is in this directory, or has just found this file."""
    real = Archive.add

    def add(self: Archive, found: tree.Found) -> os.stat_result | None:
        if found.path == path:
            monkeypatch.setattr(Archive, "add", real)
            act()
        return real(self, found)

    monkeypatch.setattr(Archive, "add", add)


def replaced_by_link(directory: Path, target: str) -> Act:
    """A directory that is not empty becomes a link."""

    def act() -> None:
        directory.rename(directory.with_name("away"))
        directory.symlink_to(target)

    return act


def restored(site: Site, made: Path, to: Path) -> dict[str, dict[str, object]]:
    """What there is after a restore."""
    to.mkdir(exist_ok=True)
    Unpacked(site.host, made, to).unpack((Volumes(site.host),))
    return {str(entry["path"]): entry for entry in reference.on_disk(str(to), ("data", "logs"))}


class TestParents:
    @pytest.mark.parametrize("moment", ["data/sub", "data/sub/a"])
    def test_a_parent_becomes_a_link(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        """It is swapped for a link to /etc while the backup is in it: nothing of /etc is in the archive."""
        secret = tmp_path / "etc"
        (secret / "b").parent.mkdir(exist_ok=True)
        (secret / "b").write_text("a secret of the host")
        (site.data / "sub").mkdir()
        for name in ("a", "b"):
            (site.data / "sub" / name).write_text("ours")
            os.utime(site.data / "sub" / name, (1, 1))
        monkeypatch.setattr("deployer.remote.backup.volumes.RECENT_NANOSECONDS", 0)
        during_reading(monkeypatch, moment, replaced_by_link(site.data / "sub", str(secret)))
        made = site.backup()
        content = subprocess.run(
            ["zstd", "-dc", str(made / f"{made.name}_volumes.tar.zst")], check=True, capture_output=True
        ).stdout
        assert b"a secret of the host" not in content
        assert site.listed(made)["data/sub"]["type"] == "link"
        assert verify.verify(site.host, made.name) == ""

    def test_a_file_becomes_a_link(self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Between its listing and its reading."""
        (tmp_path / "secret").write_text("a secret of the host")
        (site.data / "a").write_text("ours")
        monkeypatch.setattr("deployer.remote.backup.volumes.RECENT_NANOSECONDS", 0)

        def act() -> None:
            (site.data / "a").unlink()
            (site.data / "a").symlink_to(tmp_path / "secret")

        during_reading(monkeypatch, "data/a", act)
        assert site.listed(site.backup())["data/a"]["target"] == str(tmp_path / "secret")

    def test_a_file_becomes_a_pipe(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody waits for its writer."""
        (site.data / "a").write_text("ours")
        monkeypatch.setattr("deployer.remote.backup.volumes.RECENT_NANOSECONDS", 0)

        def act() -> None:
            (site.data / "a").unlink()
            os.mkfifo(site.data / "a")

        during_reading(monkeypatch, "data/a", act)
        assert "data/a" not in site.listed(site.backup())


class TestKinds:
    def test_a_directory_becomes_a_link(self, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """One that is not empty, between the reading and the pause: the backup begins anew, and unpacks."""
        (site.data / "full" / "inner").mkdir(parents=True)
        site.during(replaced_by_link(site.data / "full", "away"))
        made = site.backup()
        assert "data/full became something else while the backup read it" in capsys.readouterr().out
        assert verify.verify(site.host, made.name) == ""
        assert restored(site, made, tmp_path / "got")["data/full"]["target"] == "away"

    def test_again_and_again(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is given up, with the path."""
        monkeypatch.setattr("deployer.remote.backup.volumes.RECENT_NANOSECONDS", 0)
        (site.data / "x").mkdir()

        def swap() -> None:
            was_directory = (site.data / "x").is_dir()
            remove(site.data / "x")
            change(site.data, "x", "file" if was_directory else "directory", 0)

        site.docker.during = swap
        said = site.refused()
        assert said == "data/x becomes something else again and again, a link or a directory, while a backup reads it"

    def test_data_is_a_link(self, site: Site) -> None:
        """Refused at once, with what to do instead."""
        site.data.rename(site.root / "elsewhere")
        site.data.symlink_to("elsewhere")
        said = site.refused()
        assert said == (
            f"{site.data} is a link, which is not followed: mount {site.root}/elsewhere there (mount --bind)"
        )

    def test_a_log_is_a_link(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """The link is in the backup, and that what it leads to is not is shown."""
        (site.root / "logs" / "audit.log").symlink_to("/var/log/audit.log")
        (site.data / "inner").symlink_to("../logs/api.log")
        made = site.backup()
        said = capsys.readouterr().out
        assert "not in the backup: logs/audit.log: it leads out of data/ and logs/" in said
        assert "data/inner" not in said
        assert site.listed(made)["logs/audit.log"]["type"] == "link"


class TestRights:
    def test_setuid_and_setgid(self, site: Site, tmp_path: Path) -> None:
        """They are not in the archive; a group that a directory hands on is."""
        program, directory = site.data / "program", site.data / "shared"
        program.write_text("#!/bin/sh")
        program.chmod(0o6755)
        directory.mkdir()
        directory.chmod(0o2775)
        site.during(lambda: shutil.copy2(program, site.data / "later"))
        made = site.backup()
        got = site.unpacked(made, tmp_path / "got") / "data"
        modes = {name: stat.S_IMODE((got / name).stat().st_mode) for name in ("program", "later", "shared")}
        assert modes == {"program": 0o755, "later": 0o755, "shared": 0o2775}
        assert site.listed(made)["data/program"]["mode"] == 0o755
        assert verify.verify(site.host, made.name) == ""

    def test_devices_sockets_pipes(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """They are left out, and named."""
        os.mkfifo(site.data / "pipe")
        try:
            os.mknod(site.data / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
        except PermissionError:
            (site.data / "disk").write_text("no devices can be made here")
        with socket.socket(socket.AF_UNIX) as listening:
            os.chdir(site.data)
            listening.bind("socket")
            os.chdir("/")
            made = site.backup()
        said = capsys.readouterr().out
        assert "not in the backup: data/pipe: a pipe" in said
        assert "not in the backup: data/socket: a socket" in said
        assert ("not in the backup: data/disk: a device" in said) is (site.data / "disk").is_block_device()
        assert {"data/pipe", "data/socket"}.isdisjoint(site.listed(made))
        assert site.manifest(made)["omitted"] == {
            why: 1 for why in ("a device", "a pipe", "a socket") if f": {why}\n" in said
        }

    def test_many_of_them(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """The first ones are named, the others counted; what is no text is escaped."""
        for number in range(20):
            os.mkfifo(site.data / f"\x1b[31m{number:02}")
        site.backup()
        said = capsys.readouterr().out
        assert "and 15 more: a pipe" in said
        assert "\x1b" not in said


class TestSizes:
    def test_a_file_of_holes(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """Of many terabytes: left out and named, not read for hours."""
        try:
            os.truncate(site.data / "records.jsonl", 10 << 40)
        except OSError:
            pytest.skip("this file system has no such files")
        made = site.backup()
        assert "not in the backup: data/records.jsonl: its size is more than 1 TiB above" in capsys.readouterr().out
        assert "data/records.jsonl" not in site.listed(made)

    def test_a_path_that_no_restore_can_make(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """Deeper and longer than the system allows in one piece."""
        os.chdir(site.data)
        for _ in range(300):
            Path("directory-with-a-name").mkdir()
            os.chdir("directory-with-a-name")
        os.chdir("/")
        made = site.backup()
        assert "its path is too long to be restored" in capsys.readouterr().out
        assert verify.verify(site.host, made.name) == ""
        shutil.rmtree(site.data)


def test_a_mount_below(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A volume below data/, also one of the same device: its files are in the backup, and it is named."""
    volume = site.root / "volume"
    volume.mkdir()
    (volume / "upload").write_text("x")
    (site.data / "up loads").mkdir()
    subprocess.run(["mount", "--bind", str(volume), str(site.data / "up loads")], check=True)
    try:
        made = site.backup()
    finally:
        subprocess.run(["umount", str(site.data / "up loads")], check=True)
    assert f"{site.data}/up loads is a mount" in capsys.readouterr().out
    assert "data/up loads/upload" in site.listed(made)


# -- whatever happens --------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d.db", "d.db-wal"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
KINDS = st.sampled_from(["file", "directory", "link", "link away", "pipe", "hard link", "gone", "touched"])
CHANGES = st.lists(st.tuples(PATHS, KINDS, st.integers(0, 3)), max_size=12)


def remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


def change(data: Path, name: str, kind: str, number: int) -> None:
    """Make the path what it says, whatever it or its parents are."""
    path = data / name
    for parent in list(path.relative_to(data).parents)[-2::-1]:
        place = data / parent
        if place.is_symlink() or not place.is_dir():
            remove(place)
            place.mkdir()
    if kind == "touched":
        if path.is_file() and not path.is_symlink():
            path.write_text(f"touched {number}" * number * 100)
        return
    remove(path)
    MAKERS[kind](path, number)


def make_file(path: Path, number: int) -> None:
    """Every second one begins as a SQLite database does."""
    path.write_bytes(b"SQLite format 3\0" * (number % 2) + f"{path.name} {number}".encode() * 50)


def make_directory(path: Path, number: int) -> None:
    path.mkdir()
    path.chmod(0o700 + number)


def make_hard_link(path: Path, number: int) -> None:
    source = path.parent / "source"
    source.write_text(f"source {number}")
    os.link(source, path)


MAKERS: dict[str, Callable[[Path, int], object]] = {
    "file": make_file,
    "directory": make_directory,
    "link": lambda path, number: path.symlink_to(("b", "../a", "c/a", "none")[number]),
    "link away": lambda path, number: path.symlink_to(("/etc", "/etc/shadow", "../../..", "/")[number]),
    "pipe": lambda path, number: os.mkfifo(path),
    "hard link": make_hard_link,
    "gone": lambda path, number: None,
}


def state(site: Site) -> dict[str, dict[str, object]]:
    """What the application has, as a backup keeps it."""
    entries = reference.on_disk(str(site.root), ("data", "logs"))
    return {str(entry["path"]): entry for entry in entries if entry["type"] != "other"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=CHANGES, meanwhile=CHANGES)
def test_what_verifies_unpacks(
    site: Site,
    tmp_path: Path,
    before: list[tuple[str, str, int]],
    meanwhile: list[tuple[str, str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any tree, and any changes of it between the first reading and the second: what is restored is what there was."""
    monkeypatch.setattr("deployer.remote.backup.volumes.RECENT_NANOSECONDS", 0)
    monkeypatch.setattr("deployer.remote.backup.make.await_true", lambda condition, seconds: True)
    site.docker.image = False
    for place in (site.data, site.directory, tmp_path / "got"):
        shutil.rmtree(place, ignore_errors=True)
    site.data.mkdir()
    for name, kind, number in before:
        change(site.data, name, kind, number)

    def work() -> None:
        for one in meanwhile:
            change(site.data, *one)

    site.during(work)
    made = site.backup()
    assert verify.verify(site.host, made.name) == ""
    wanted = state(site)
    assert restored(site, made, tmp_path / "got") == wanted
    assert {name: line for name, line in site.listed(made).items() if name in wanted} == wanted
    json.loads((made / "manifest.json").read_text())
    assert existing.problem(made) == ""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(st.tuples(PATHS, KINDS, st.integers(0, 3)), max_size=8))
def test_what_does_not_unpack_is_not_accepted(tmp_path: Path, members: list[tuple[str, str, int]]) -> None:
    """Any order of members: what the verifier takes, tar unpacks, to what it has read."""
    archive = packed(members)
    contents = accepted(archive)
    if contents is None:
        return
    lines = unpacked(archive, tmp_path / "got")
    named = {path for path, known in contents._found.items() if len(known) > 1}
    assert named <= lines.keys()
    assert [path for path in named if not contents.has(lines[path])] == []


def test_failures_are_of_one_kind(site: Site) -> None:
    """Nothing but a Failure ends a backup."""
    shutil.rmtree(site.data)
    with pytest.raises(Failure):
        make.make(site.host)
