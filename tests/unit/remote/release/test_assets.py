"""The wallet's files that are kept: regular files with a hash in their name, whatever else the image holds."""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from deployer.remote.release import assets, kept
from tests.unit.remote.release.conftest import Deployed, target

HASHED = "static/js/main.0123abcd.js"


def pages(*members: tuple[str, str]) -> bytes:
    """The stream of `docker cp`: names with their content, or with what they are."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(f"html/{name}")
            kinds = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.BLKTYPE}
            info.type, info.linkname = kinds.get(content, tarfile.REGTYPE), "/etc/passwd"
            info.size, info.mode = (len(content) if content not in kinds else 0), 0o4755
            archive.addfile(info, BytesIO(content.encode()))
    return buffer.getvalue()


def published(deployed: Deployed) -> dict[str, str]:
    root = assets.published(deployed.host)
    return {str(path): (root / path).read_text() for path in assets.regular_files(root)}


def test_hashed_names_only(deployed: Deployed) -> None:
    """They are published and kept, readable by the proxy, without setuid."""
    deployed.site.pages = pages((HASHED, "script"), ("index.html", "page"), ("style.css", "style"))
    assets.keep(deployed.host, target())
    assert published(deployed) == {HASHED: "script"}
    file = assets.published(deployed.host) / HASHED
    assert file.stat().st_mode & 0o7777 == 0o644
    assert (assets.staged(deployed.host) / "assets" / HASHED).read_text() == "script"


@pytest.mark.parametrize("kind", ["link", "hard link", "device"])
def test_nothing_but_regular_files(kind: str, deployed: Deployed) -> None:
    """No link leads from the site into the host, and none out of the directory."""
    deployed.site.pages = pages(("a.0123abcd.js", kind), ("../../b.0123abcd.js", "out"), (HASHED, "script"))
    assets.keep(deployed.host, target())
    assert published(deployed) == {HASHED: "script"}
    assert not list(Path(deployed.host.config.root).rglob("b.0123abcd.js"))


def test_planted_links_go(deployed: Deployed) -> None:
    """A link to the host's files that an earlier version published, also as a directory, is replaced or removed."""
    root = assets.published(deployed.host)
    root.mkdir()
    (root / "root").symlink_to("/")
    (root / "static").symlink_to("/etc")
    deployed.site.pages = pages((HASHED, "script"))
    assets.keep(deployed.host, target())
    assert not (root / "static").is_symlink()
    assert (root / HASHED).read_text() == "script"
    assets.prune(deployed.host, kept.directory(deployed.host))
    assert not (root / "root").is_symlink()


def test_cleared(deployed: Deployed) -> None:
    """Everything but regular files goes, from what is published and from what is kept."""
    for root in (assets.published(deployed.host), kept.directory(deployed.host) / "first" / "assets"):
        (root / "static").mkdir(parents=True)
        (root / "static" / "root").symlink_to("/")
        (root / HASHED.replace("/js", "")).write_text("script")
    assets.clear(deployed.host, kept.directory(deployed.host))
    assert set(published(deployed)) == {HASHED.replace("/js", "")}
    assert not list(Path(deployed.host.config.root).rglob("root"))


def test_a_file_that_is_there_stays(deployed: Deployed) -> None:
    """The same name is the same content: a visitor's download is not disturbed."""
    deployed.site.pages = pages((HASHED, "script"))
    assets.keep(deployed.host, target())
    inode = (assets.published(deployed.host) / HASHED).stat().st_ino
    assets.keep(deployed.host, target("3"))
    assert (assets.published(deployed.host) / HASHED).stat().st_ino == inode


def test_as_long_as_their_release(deployed: Deployed) -> None:
    """What no kept release holds is removed, with the directories that get empty."""
    deployed.site.pages = pages((HASHED, "script"), ("old/b.0123abcd.css", "style"))
    assets.keep(deployed.host, target())
    kept.record(deployed.host, target())
    assert set(published(deployed)) == {HASHED, "old/b.0123abcd.css"}
    deployed.site.pages = pages((HASHED, "script"))
    assets.keep(deployed.host, target("3"))
    kept.record(deployed.host, target("3", keep=()))
    assert set(published(deployed)) == {HASHED}
    assert not (assets.published(deployed.host) / "old").exists()


def test_an_image_without_pages(deployed: Deployed) -> None:
    """Nothing is kept, nothing fails."""
    assets.keep(deployed.host, target())
    assert published(deployed) == {}
