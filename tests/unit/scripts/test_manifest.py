"""The backups on a host's disk: which are intact, which are removed. Real files, real checksums."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fakes import IS_ROOT

from .shop import Shop, shop

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host"),
    pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not here"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One whole backup for all tests, each of which works on a copy."""
    with shop(tmp_path_factory.mktemp("shop")) as opened:
        opened.backup()
        yield opened


@pytest.fixture
def stock(opened: Shop) -> Iterator[Shop]:
    """The backup as it was made, whatever the test before did."""
    kept = opened.directory.with_name("kept")
    if not kept.exists():
        shutil.copytree(opened.directory, kept)
    shutil.rmtree(opened.directory)
    shutil.copytree(kept, opened.directory)
    yield opened


def newest(stock: Shop) -> Path:
    return max(stock.directory.glob(f"{stock.host.name}_*"))


def again(stock: Shop, timestamp: str) -> Path:
    """The same backup under the name of another time, whole in itself."""
    original = newest(stock)
    name = f"{stock.host.name}_{timestamp}"
    place = stock.directory / name
    shutil.copytree(original, place)
    for path in place.glob(f"{original.name}_*"):
        path.rename(place / path.name.replace(original.name, name))
    for path in (place / "manifest.json", place / "SHA256SUMS"):
        path.write_text(path.read_text().replace(original.name, name))
    words = "sed 's/^.*  //' SHA256SUMS | xargs sha256sum >sums && mv sums SHA256SUMS"
    subprocess.run(["bash", "-ec", words], cwd=place, check=True)
    return place


def flip(path: Path, at: int = -1) -> None:
    """One bit of one byte, in the middle where nothing else is said."""
    content = bytearray(path.read_bytes())
    content[at if at >= 0 else len(content) // 2] ^= 1
    path.write_bytes(content)


def part(stock: Shop, name: str) -> Path:
    (path,) = [path for path in newest(stock).iterdir() if f"_{name}." in path.name or path.name == name]
    return path


class TestSound:
    """verify_backup: all of it is read."""

    def said(self, stock: Shop, code: int) -> str:
        made = newest(stock).name
        ran = stock.run(f"verify_backup {made}")
        assert (ran.returncode, ran.stderr) == (code, ""), ran.stdout
        assert (newest(stock) / "verified").exists() is (code == 0)
        assert list(Path("/var/tmp").glob(f"deployer-{stock.host.name}*")) == []
        return ran.stdout

    def test_good(self, stock: Shop) -> None:
        """The time is noted, for root alone."""
        assert self.said(stock, 0) == ""
        assert stock.known()[0].verified.endswith("Z")
        assert (newest(stock) / "verified").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("name", ["volumes", "config", "ssl", "files", "manifest.json", "SHA256SUMS"])
    def test_one_bit(self, stock: Shop, name: str) -> None:
        """In any file: refused, with the backup's name and the file's."""
        path = part(stock, name)
        flip(path)
        said = self.said(stock, 1)
        assert said.startswith(newest(stock).name)
        assert path.name in said or name in ("SHA256SUMS", "manifest.json")

    @pytest.mark.parametrize("at", [0, 10, 66, 80])
    def test_the_sums_themselves(self, stock: Shop, at: int) -> None:
        """A digit, a space, a name."""
        flip(part(stock, "SHA256SUMS"), at)
        assert newest(stock).name in self.said(stock, 1)

    def _replace(self, stock: Shop, name: str, content: bytes) -> None:
        """With sums and a manifest that say so: damaged before they were made."""
        path = part(stock, name)
        before = path.stat().st_size
        path.write_bytes(content)
        manifest = part(stock, "manifest.json")
        manifest.write_text(manifest.read_text().replace(f'"bytes": {before},', f'"bytes": {len(content)},'))
        words = "sed 's/^.*  //' SHA256SUMS | xargs sha256sum >sums && mv sums SHA256SUMS"
        subprocess.run(["bash", "-ec", words], cwd=newest(stock), check=True)

    def test_an_archive_that_holds_something_else(self, stock: Shop) -> None:
        """Its sum is right, but the list of files says otherwise."""
        (stock.root / "data/records.jsonl").write_text("other\n")
        words = f"tar -C {stock.root} --format=posix -c data logs | zstd -q"
        other = subprocess.run(["bash", "-c", words], check=True, capture_output=True).stdout
        self._replace(stock, "volumes", other)
        said = self.said(stock, 1)
        assert said == f'{newest(stock).name} is damaged: "data/records.jsonl" is not as in its list of files\n'

    def test_an_archive_that_could_do_harm(self, stock: Shop) -> None:
        """Said what it holds."""
        words = f"tar -C {stock.root} -c --transform 's|^|../|' data | zstd -q"
        bad = subprocess.run(["bash", "-c", words], check=True, capture_output=True).stdout
        self._replace(stock, "volumes", bad)
        said = self.said(stock, 1)
        assert "leads elsewhere" in said
        assert "_volumes cannot be unpacked" in said

    def test_a_list_that_cannot_be_read(self, stock: Shop) -> None:
        """It does not count as an empty one."""
        self._replace(stock, "files", b"nothing that zstd wrote")
        assert "the list of its files cannot be read" in self.said(stock, 1)

    def test_one_that_is_not_there(self, stock: Shop) -> None:
        """Gone since it was listed."""
        ran = stock.run("verify_backup nothing_20250101_000000")
        assert (ran.returncode, ran.stdout) == (1, "nothing_20250101_000000 does not exist any more\n")


class TestRetention:
    """remove_old, after a backup that succeeded."""

    def after(self, stock: Shop, **keep: str) -> tuple[list[str], str]:
        """The timestamps that stay, and what is said."""
        ran = stock.run("set +e -o pipefail", "remove_old", keep=keep)
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
        assert stock.left_over == []
        return [one.timestamp for one in stock.known()], ran.stdout

    def test_by_days(self, stock: Shop) -> None:
        """What is older is removed, complete or not."""
        again(stock, "20200101_000000")
        (again(stock, "20200102_000000") / "SHA256SUMS").unlink()
        stay, said = self.after(stock, KEEP_DAYS="30", KEEP_MIN="1")
        assert stay == ["_".join(newest(stock).name.split("_")[-2:])]
        assert [line.split(",")[0] for line in said.splitlines()] == [
            f"removed {stock.host.name}_2020010{n}_000000" for n in (1, 2)
        ]

    def test_at_least_so_many(self, stock: Shop) -> None:
        """Complete ones are counted; an incomplete one is not."""
        for day in (1, 2, 3, 4):
            again(stock, f"2020010{day}_000000")
        (stock.directory / f"{stock.host.name}_20200104_000000" / "manifest.json").unlink()
        stay, _ = self.after(stock, KEEP_DAYS="30", KEEP_MIN="3")
        assert stay[:-1] == ["20200102_000000", "20200103_000000"]

    def test_never_the_latest_complete_one(self, stock: Shop) -> None:
        """However old it is, and whatever else there is."""
        shutil.rmtree(again(stock, "20200101_000000") / "no", ignore_errors=True)
        (newest(stock) / "manifest.json").unlink()
        stay, _ = self.after(stock, KEEP_DAYS="0", KEEP_MIN="0")
        assert stay == ["20200101_000000"]

    def test_young_ones_stay(self, stock: Shop) -> None:
        """However many there are."""
        again(stock, "20990101_000000")
        assert len(self.after(stock, KEEP_DAYS="1", KEEP_MIN="1")[0]) == 2

    @pytest.mark.parametrize("foreign", ["NOTES", ".hidden", "inner/file"])
    def test_what_is_not_ours(self, stock: Shop, foreign: str) -> None:
        """Somebody has put something there: all of it is kept, and that is reported; so is any other directory."""
        place = again(stock, "20200101_000000")
        (place / foreign).parent.mkdir(exist_ok=True)
        (place / foreign).write_text("keep")
        (stock.directory / "other").mkdir()
        stay, said = self.after(stock, KEEP_DAYS="30", KEEP_MIN="1")
        assert stay[0] == "20200101_000000"
        assert len(stock.complete) == 2
        assert "holds a file that is not part of it" in said
        assert (stock.directory / "other").is_dir()

    def test_only_after_a_success(self, stock: Shop) -> None:
        """A backup that fails removes nothing."""
        again(stock, "20200101_000000")
        (stock.commands / "unpausable").touch()
        stock.refused(keep={"KEEP_DAYS": "30", "KEEP_MIN": "1"})
        (stock.commands / "unpausable").unlink()
        assert len(stock.complete) == 2
