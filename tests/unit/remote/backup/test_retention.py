"""What is removed after a backup that succeeded, and what never is."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.remote.backup import existing, mounts, retention
from deployer.remote.failure import Failure
from deployer.remote.host import Host

from .conftest import Site


@pytest.fixture
def made(site: Site) -> Path:
    """One complete backup, of now."""
    return site.backup()


def again(made: Path, timestamp: str) -> Path:
    """The same backup under the name of another time, complete in itself."""
    name = f"{made.name[:-15]}{timestamp}"
    place = made.with_name(name)
    shutil.copytree(made, place)
    for path in place.glob(f"{made.name}_*"):
        path.rename(place / path.name.replace(made.name, name))
    for path in (place / "manifest.json", place / "SHA256SUMS"):
        path.write_text(path.read_text().replace(made.name, name))
    return place


def keeping(site: Site, days: int, least: int) -> Host:
    keep = replace(site.host.config.backup, keep_days=days, keep_min=least)
    return replace(site.host, config=replace(site.host.config, backup=keep))


def after(site: Site, days: int, least: int) -> list[str]:
    """The timestamps that stay."""
    retention.remove_old(keeping(site, days, least))
    assert site.left_over == []
    return [path.name[-15:] for path in existing.backups(site.host.config)]


def test_by_days(site: Site, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is older is removed, complete or not."""
    again(made, "20200101_000000")
    (again(made, "20200102_000000") / "SHA256SUMS").unlink()
    capsys.readouterr()
    assert after(site, 30, 1) == [made.name[-15:]]
    removed = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert removed == [f"removed {site.host.config.name}_2020010{day}_000000" for day in (1, 2)]


def test_at_least_so_many(site: Site, made: Path) -> None:
    """Complete ones are counted; an incomplete one is not."""
    for day in (1, 2, 3, 4):
        again(made, f"2020010{day}_000000")
    (site.directory / f"{site.host.config.name}_20200104_000000" / "manifest.json").unlink()
    assert after(site, 30, 3)[:-1] == ["20200102_000000", "20200103_000000"]


def test_never_the_latest_complete_one(site: Site, made: Path) -> None:
    """However old it is, and whatever else there is."""
    again(made, "20200101_000000")
    (made / "manifest.json").unlink()
    assert after(site, 0, 0) == ["20200101_000000"]


def test_young_ones_stay(site: Site, made: Path) -> None:
    """However many there are."""
    again(made, "20990101_000000")
    assert len(after(site, 1, 1)) == 2


@pytest.mark.parametrize("foreign", ["NOTES", ".hidden", "inner/file"])
def test_what_is_not_ours(site: Site, made: Path, foreign: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody has put something there: all of it is kept, and that is reported; so is any other directory."""
    place = again(made, "20200101_000000")
    (place / foreign).parent.mkdir(exist_ok=True)
    (place / foreign).write_text("keep")
    (site.directory / "other").mkdir()
    assert after(site, 30, 1)[0] == "20200101_000000"
    assert len(existing.complete(site.host.config)) == 2
    assert "holds a file that is not part of it" in capsys.readouterr().out
    assert (site.directory / "other").is_dir()


def test_only_after_a_success(site: Site, made: Path) -> None:
    """A backup that fails removes nothing."""
    again(made, "20200101_000000")
    site.docker.fails["pause"] = "no"
    site.refused()
    assert len(existing.backups(site.host.config)) == 2


def test_what_a_restore_has_replaced(site: Site) -> None:
    """It is removed once a backup has what is there instead."""
    former = site.host.config.state / "former" / "20250101_000000"
    former.mkdir(parents=True)
    site.backup()
    assert not former.parent.exists()


def test_a_volume_in_what_was_replaced(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mount that a restore has moved aside with its directory is not emptied: the directory stays, and is named."""
    volume, former = tmp_path / "volume", site.host.config.state / "former" / "20250101_000000" / "data" / "up loads"
    volume.mkdir()
    (volume / "precious").write_text("x")
    former.mkdir(parents=True)
    subprocess.run(["mount", "--bind", str(volume), str(former)], check=True)
    try:
        site.backup()
        assert (volume / "precious").read_text() == "x"
        assert f"something is mounted at {former}" in capsys.readouterr().out
    finally:
        subprocess.run(["umount", str(former)], check=True)
    site.backup()
    assert not (site.host.config.state / "former").exists()


def test_what_cannot_be_removed(tmp_path: Path) -> None:
    """A failure that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="file cannot be removed"):
        mounts.remove(tmp_path / "file")


def test_nothing_is_followed(tmp_path: Path) -> None:
    """A link in what is removed is removed itself."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "removed").mkdir()
    (tmp_path / "removed" / "link").symlink_to("../kept")
    mounts.remove(tmp_path / "removed")
    assert (tmp_path / "kept").is_dir()
