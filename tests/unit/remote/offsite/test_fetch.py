"""Fetching backups from a real repository: complete, verified, and under their name only then."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployer.remote.backup import catalogue
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.offsite import fetch as fetching
from deployer.remote.offsite.push import push
from deployer.remote.offsite.restic import Restic
from tests.unit.remote.offsite.conftest import FIRST, Site


def complete(host: Host, directory: Path, name: str) -> str:
    """As far as sizes and names show it."""
    return catalogue.look_at(directory, name).problem


def damaged(host: Host, directory: Path, name: str) -> str:
    return f"{name} is damaged"


def fetch(site: Site, wanted: str) -> None:
    fetching.fetch(site.host, wanted, complete)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def left_over(site: Site) -> list[str]:
    return [path.name for path in site.backups.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("wanted", ["latest", "biometric-did_20260101_030405"])
def test_fetched(pushed: Site, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte for byte, for root alone, with nothing left over."""
    directory = pushed.backups / FIRST
    (directory / "verified").write_text("2026-02-03T04:05:06Z\n")
    before = contents(directory)
    shutil.rmtree(pushed.backups)
    fetch(pushed, wanted)
    assert contents(directory) | {"verified": b""} == before | {"verified": b""}
    assert {path.stat().st_mode & 0o7777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o7777 == 0o700
    assert left_over(pushed) == []
    assert capsys.readouterr().out.endswith(f"fetched {FIRST}, and verified it\n")


def test_one_that_is_intact(pushed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """It is left alone."""
    inode = (pushed.backups / FIRST).stat().st_ino
    fetch(pushed, FIRST)
    assert (pushed.backups / FIRST).stat().st_ino == inode
    assert "already, and intact" in capsys.readouterr().out


def test_one_that_is_damaged(pushed: Site) -> None:
    """It is replaced, and kept aside until the next time."""
    part = next((pushed.backups / FIRST).glob("*_ssl.*"))
    part.write_text("")
    fetch(pushed, FIRST)
    assert part.read_text() == "x"
    assert (pushed.backups / f".{FIRST}.unfinished" / "damaged" / part.name).read_text() == ""
    part.write_text("other")
    fetch(pushed, FIRST)
    assert (pushed.backups / f".{FIRST}.unfinished" / "damaged" / part.name).read_text() == "other"


def test_what_is_not_there(pushed: Site) -> None:
    """What there is instead."""
    unknown = "biometric-did_19990101_000000"
    with pytest.raises(Failure, match=f"cannot be fetched: the repository has no {unknown}, only: {FIRST}"):
        fetch(pushed, unknown)
    shutil.rmtree(pushed.backups)
    Restic.of(pushed.host).succeed("", "forget", *pushed.there[FIRST].snapshots)
    with pytest.raises(Failure, match="the repository has no snapshot of biometric-did"):
        fetch(pushed, "latest")


def test_what_is_not_intact(pushed: Site) -> None:
    """It does not get its name, and nothing of it stays."""
    shutil.rmtree(pushed.backups)
    with pytest.raises(Failure, match=f"{FIRST} is damaged"):
        fetching.fetch(pushed.host, FIRST, damaged)
    assert list(pushed.backups.iterdir()) == []


def test_a_full_disk(pushed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is begun where it would not fit."""
    monkeypatch.setattr(fetching, "SPARE", 1 << 60)
    shutil.rmtree(pushed.backups / FIRST)
    with pytest.raises(Failure, match="not enough disk space"):
        fetch(pushed, FIRST)
    assert list(pushed.backups.iterdir()) == []


KINDS: Mapping[str, Callable[[Path], object]] = {
    "link": lambda path: path.symlink_to("/etc/shadow"),
    "pipe": os.mkfifo,
    "device": lambda path: os.mknod(path, 0o20666, os.makedev(1, 5)),
    "directory": lambda path: path.mkdir(),
    "hard link": lambda path: path.hardlink_to(path.with_name("manifest.json")),
}


def test_what_no_backup_has(pushed: Site) -> None:
    """A snapshot that holds anything but regular files is refused, by name."""
    names = []
    for day, plant in enumerate(KINDS.values(), start=2):
        names.append(pushed.backup(day))
        plant(pushed.backups / names[-1] / "planted")
    push(pushed.host)
    shutil.rmtree(pushed.backups)
    for name in names:
        with pytest.raises(Failure, match=r"the backup holds '(planted|manifest\.json)', which is not a regular"):
            fetch(pushed, name)
    assert list(pushed.backups.iterdir()) == []


def test_another_mode_and_owner(pushed: Site) -> None:
    """A setuid program of somebody else becomes a file of root's."""
    name = pushed.backup(2)
    planted = pushed.backups / name / "planted"
    planted.touch()
    os.chown(planted, 1000, 1000)
    planted.chmod(0o6777)
    push(pushed.host)
    shutil.rmtree(pushed.backups)
    fetch(pushed, name)
    assert (planted.stat().st_mode & 0o7777, planted.stat().st_uid) == (0o600, 0)
