"""Which backups are complete, which are intact; what could do harm is refused."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.remote.backup import existing, verbs
from deployer.remote.backup.contents import Contents, Unsafe
from deployer.remote.backup.verify import verify
from deployer.remote.failure import Failure

from .conftest import Site


@pytest.fixture
def made(site: Site) -> Path:
    """One complete backup."""
    return site.backup()


def part(made: Path, name: str) -> Path:
    (path,) = [path for path in made.iterdir() if f"_{name}." in path.name or path.name == name]
    return path


def flip(path: Path, at: int = -1) -> None:
    """One bit of one byte, in the middle where nothing else is asked for."""
    content = bytearray(path.read_bytes())
    content[at if at >= 0 else len(content) // 2] ^= 1
    path.write_bytes(content)


class TestComplete:
    """By names and sizes; nothing is read."""

    def test_one(self, site: Site, made: Path) -> None:
        """It has no problem."""
        assert (existing.complete(site.host.config), existing.problem(made)) == ((made,), "")

    @pytest.mark.parametrize("name", ["volumes", "config", "ssl", "files", "manifest.json", "SHA256SUMS"])
    def test_a_missing_file(self, site: Site, made: Path, name: str) -> None:
        """Named; and never taken for a complete one."""
        path = part(made, name)
        path.unlink()
        assert f"{path.name} is missing" in existing.problem(made)
        assert existing.complete(site.host.config) == ()

    @pytest.mark.parametrize("name", ["volumes", "config", "ssl", "files"])
    def test_a_part_that_is_cut_off(self, made: Path, name: str) -> None:
        """Seen by its size."""
        path = part(made, name)
        os.truncate(path, path.stat().st_size - 1)
        assert path.name in existing.problem(made)

    @pytest.mark.parametrize(
        "damage",
        [lambda text: text[:-5], lambda text: "[]", lambda text: "", lambda text: '{"parts": 7}', lambda text: "é"],
    )
    def test_a_manifest_that_cannot_be_read(self, made: Path, damage: Callable[[str], str]) -> None:
        """It is incomplete; nothing fails over it."""
        path = part(made, "manifest.json")
        path.write_text(damage(path.read_text()))
        assert "manifest" in existing.problem(made)

    def test_a_manifest_that_names_less(self, made: Path) -> None:
        """A part that is not in it is not known to be complete."""
        path = part(made, "manifest.json")
        known = json.loads(path.read_text())
        path.write_text(json.dumps({**known, "parts": known["parts"][1:]}))
        assert existing.problem(made) == "its manifest names no volumes"

    def test_sums_that_name_less(self, made: Path) -> None:
        """What has no sum could be anything."""
        path = part(made, "SHA256SUMS")
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "_config" not in line))
        assert "SHA256SUMS does not name" in existing.problem(made)

    def test_what_is_not_ours(self, site: Site, made: Path) -> None:
        """Files, other names, half-made ones: not listed."""
        name = site.host.config.name
        (site.directory / "notes.txt").touch()
        (site.directory / f"{name}_20250101_000000").touch()
        for other in (f".{name}_20250101_000000.unfinished", f"{name}-b_20250101_000000", f"{name}_2025", "lost+found"):
            (site.directory / other).mkdir()
        assert existing.backups(site.host.config) == (made,)


class TestIntact:
    """All of it is read."""

    def said(self, site: Site, made: Path) -> str:
        """The problem; the time is noted without one alone."""
        problem = verify(site.host, made.name)
        assert (made / "verified").exists() is not bool(problem)
        return problem

    def test_good(self, site: Site, made: Path) -> None:
        """The time is noted, for root alone."""
        assert self.said(site, made) == ""
        assert (made / "verified").read_text().endswith("Z\n")
        assert (made / "verified").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("name", ["volumes", "config", "ssl", "files", "manifest.json", "SHA256SUMS"])
    def test_one_bit(self, site: Site, made: Path, name: str) -> None:
        """In any file: refused, with the backup's name and the file's."""
        path = part(made, name)
        flip(path)
        said = self.said(site, made)
        assert said.startswith(made.name)
        assert path.name in said or name in ("SHA256SUMS", "manifest.json")

    @pytest.mark.parametrize("at", [0, 10, 66, 80])
    def test_the_sums_themselves(self, site: Site, made: Path, at: int) -> None:
        """A digit, a space, a name."""
        flip(part(made, "SHA256SUMS"), at)
        assert made.name in self.said(site, made)

    def replace(self, made: Path, name: str, content: bytes) -> None:
        """With sums and a manifest that fit: damaged before they were made."""
        path = part(made, name)
        before = path.stat().st_size
        path.write_bytes(content)
        manifest = part(made, "manifest.json")
        manifest.write_text(manifest.read_text().replace(f'"bytes": {before},', f'"bytes": {len(content)},'))
        words = "sed 's/^.*  //' SHA256SUMS | xargs sha256sum >sums && mv sums SHA256SUMS"
        subprocess.run(["bash", "-ec", words], cwd=made, check=True)

    def test_an_archive_of_something_else(self, site: Site, made: Path) -> None:
        """Its sum is right, but the list of files has another content."""
        (site.data / "records.jsonl").write_text("other\n")
        words = f"tar -C {site.root} --format=posix -c data logs | zstd -q"
        self.replace(made, "volumes", subprocess.run(["bash", "-c", words], check=True, capture_output=True).stdout)
        said = self.said(site, made)
        assert said.startswith(f"{made.name} is damaged: ")
        assert '"data/records.jsonl" is not as in its list of files' in said

    def test_an_archive_that_could_do_harm(self, site: Site, made: Path) -> None:
        """With what it holds."""
        words = f"tar -C {site.root} -c --transform 's|^|../|' data | zstd -q"
        self.replace(made, "volumes", subprocess.run(["bash", "-c", words], check=True, capture_output=True).stdout)
        said = self.said(site, made)
        assert "leads elsewhere" in said
        assert "_volumes cannot be unpacked" in said

    @pytest.mark.parametrize("name", ["volumes", "files"])
    def test_what_no_compressor_wrote(self, site: Site, made: Path, name: str) -> None:
        """It does not count as empty."""
        self.replace(made, name, b"nothing that zstd wrote")
        assert " is damaged: " in self.said(site, made)

    def test_one_that_is_not_there(self, site: Site) -> None:
        """Gone since it was listed."""
        assert verify(site.host, "t_20250101_000000") == "t_20250101_000000 does not exist any more"

    def test_of_a_former_version(self, site: Site, made: Path) -> None:
        """GNU tar made its archives, with setuid bits, and its manifest has fewer keys: it is intact all the same."""
        (site.data / "records.jsonl").chmod(0o4755)
        options = "--format=posix --pax-option=delete=atime,delete=ctime --xattrs --acls --sparse --numeric-owner"
        words = f"tar -C {site.root} {options} -c data logs | zstd -q"
        listing = [
            {**line, "mode": 0o4755} if path == "data/records.jsonl" else line
            for path, line in site.listed(made).items()
        ]
        lines = "".join(f"{json.dumps(line)}\n" for line in listing).encode()
        compressed = subprocess.run(["zstd", "-q"], input=lines, check=True, capture_output=True).stdout
        self.replace(made, "files", compressed)
        self.replace(made, "volumes", subprocess.run(["bash", "-c", words], check=True, capture_output=True).stdout)
        assert self.said(site, made) == ""


class TestVerb:
    def test_all(self, site: Site, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A line for each, with its problem; a problem is no failure of the verb."""
        later = made.with_name(f"{site.host.config.name}_29991231_000000")
        shutil.copytree(made, later)
        capsys.readouterr()
        verbs.verify(site.host, ())
        first, second = capsys.readouterr().out.splitlines()
        assert first.strip() == made.name
        assert second.startswith(f"{later.name} {later.name} is incomplete: ")

    def test_one(self, site: Site, made: Path) -> None:
        """The one that is named; its problem is a failure."""
        verbs.verify(site.host, (made.name,))
        flip(part(made, "config"))
        with pytest.raises(Failure):
            verbs.verify(site.host, (made.name,))


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def archive(*members: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as made:
        for one in members:
            made.addfile(one, io.BytesIO(b"x" * one.size))
    return file.getvalue()


LINK, DIRECTORY = tarfile.SYMTYPE, tarfile.DIRTYPE
HARMFUL = {
    "absolute": (member("/etc/passwd"),),
    "up": (member("data/../../etc/passwd"),),
    "only up": (member(".."),),
    "dot": (member("data/./x"),),
    "device": (member("data/disk", tarfile.BLKTYPE),),
    "terminal": (member("data/tty", tarfile.CHRTYPE),),
    "fifo": (member("data/fifo", tarfile.FIFOTYPE),),
    "outside": (member("etc/passwd"),),
    "a name that only begins so": (member("database/x"),),
    "below a link": (member("data/link", LINK, "/etc"), member("data/link/passwd")),
    "below a file": (member("data/file"), member("data/file/x")),
    "a hard link to elsewhere": (member("data/x", tarfile.LNKTYPE, "/etc/shadow"),),
    "a hard link to what is not there": (member("data/x", tarfile.LNKTYPE, "data/y"),),
    "a hard link to a link": (member("data/y", LINK, "/etc"), member("data/x", tarfile.LNKTYPE, "data/y")),
    "a link for a full directory": (member("data/x", DIRECTORY), member("data/x/y"), member("data/x", LINK, "y")),
    "a file for a directory that is implied": (member("data/x/y"), member("data/x")),
    "a file for a link that tar makes last": (member("data/x", LINK, "/etc"), member("data/x")),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_could_do_harm(name: str) -> None:
    """Refused, whatever else there is."""
    with pytest.raises(Unsafe):
        Contents(("data", "logs")).read(io.BytesIO(archive(*HARMFUL[name])))


def test_something_behind() -> None:
    """tar would read the first archive, another program both."""
    with pytest.raises(Unsafe, match="after the end"):
        Contents(("data",)).read(io.BytesIO(archive(member("data/x")) + archive(member("data/y"))))


@pytest.mark.parametrize("kept", [0, 100, 700, 512 * 5])
def test_cut_off(kept: int) -> None:
    """In a header, in the content: never taken for a short archive."""
    long = member("data/x")
    long.size = 5000
    with pytest.raises(tarfile.TarError):
        Contents(("data",)).read(io.BytesIO(archive(long, member("data/y"))[:kept]))


def test_an_archive_of_holes() -> None:
    """A member of terabytes of zeros is not read for hours."""
    huge = member("data/x")
    huge.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "data/x",
        "GNU.sparse.realsize": str(64 << 40),
    }
    sparse_map = f"1\n{64 << 40}\n0\n".encode().ljust(512, b"\0")
    huge.size = len(sparse_map)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as made:
        made.addfile(huge, io.BytesIO(sparse_map))
    with pytest.raises(Unsafe, match="1 TiB of holes"):
        Contents(("data",)).read(io.BytesIO(file.getvalue()))
