"""A backup is of one instant, though the application writes meanwhile; one that cannot be made leaves nothing."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deployer.remote.backup import archive, freeze, make, sizes, staging
from deployer.remote.backup.tree import Found
from deployer.remote.failure import Failure

from .conftest import LONG_AGO, Site


def test_what_it_makes(site: Site) -> None:
    """The guide's parts, the list of files, a manifest, the sums: 0600, in a directory for root alone."""
    made = site.backup()
    parts = ("volumes.tar.zst", "config.tar.zst", "ssl.tar.zst", "files.jsonl.zst")
    assert sorted(path.name for path in made.iterdir()) == sorted(
        [*(f"{made.name}_{part}" for part in parts), "manifest.json", "SHA256SUMS"]
    )
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o600}
    assert made.stat().st_mode & 0o777 == site.directory.stat().st_mode & 0o777 == 0o700
    assert "hidden" not in (made / "manifest.json").read_text()
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], check=True, cwd=made)


@pytest.mark.parametrize("blocks", range(20))
def test_tar_reads_to_the_end(site: Site, blocks: int) -> None:
    """Whatever its size: what unpacks it leaves nothing to the decompressor, which would end by a signal."""
    (site.data / "file").write_bytes(os.urandom(512 * blocks + 1))
    made = site.backup()
    unpack = f"set -o pipefail; zstd -dc {made}/{made.name}_volumes.tar.zst | (sleep 0.05; tar -tf -)"
    subprocess.run(["bash", "-c", unpack], check=True, capture_output=True)


def test_the_manifest(site: Site) -> None:
    """As every version of the tool has written it, on one line."""
    made = site.backup()
    (line,) = (made / "manifest.json").read_text().splitlines()
    known = json.loads(line)
    parts = {part["part"]: (part["files"], part["unpacked"]) for part in known["parts"]}
    assert parts == {"volumes": (3, 21), "config": (5, 107), "ssl": (1, 4), "files": (0, 0)}
    assert (known["format"], known["id"], known["release"]["id"], known["rows"]) == (1, made.name, "r1", None)
    assert known["unpacked"] == sum(unpacked for _, unpacked in parts.values())
    assert known["bytes"] == sum(path.stat().st_size for path in made.glob(f"{made.name}_*"))


def test_a_torn_line_of_the_log_of_releases(site: Site) -> None:
    """A power failure left half a line: the manifest is complete, and names no release."""
    (site.root / ".deployer/releases.jsonl").write_text('{"id": "r1", "result": "deployed"')
    assert site.manifest(site.backup())["release"] is None


def test_changes_during_the_reading(site: Site, tmp_path: Path) -> None:
    """Rewritten, appended, made, renamed: as it was during the pause, in a plain unpacking as well."""
    (site.data / "rewritten").write_text("before")
    (site.data / "renamed").write_text("content")

    def work() -> None:
        (site.data / "rewritten").write_text("after.")
        with (site.data / "records.jsonl").open("a") as records:
            records.write("two\n")
        (site.data / "new").mkdir()
        (site.data / "new" / "file").write_text("created\n")
        (site.data / "link").symlink_to("new/file")
        (site.data / "renamed").rename(site.data / "moved")

    site.during(work)
    made = site.backup()
    got = site.unpacked(made, tmp_path / "got")
    assert (got / "data/rewritten").read_text() == "after."
    assert (got / "data/records.jsonl").read_text() == "one\ntwo\n"
    assert (got / "data/link").read_text() == "created\n"
    assert (got / "data/moved").read_text() == "content"
    assert (got / "data/kept/still.txt").stat().st_mtime_ns == LONG_AGO
    assert "data/renamed" not in site.listed(made)


def test_a_rewrite_that_keeps_size_and_times(site: Site, tmp_path: Path) -> None:
    """The application may set the time of a file to what it was; the time of the change of its entry differs."""
    changed = site.data / "kept" / "still.txt"

    def rewrite() -> None:
        changed.write_text("as it is!\n")
        os.utime(changed, ns=(LONG_AGO, LONG_AGO))

    site.during(rewrite)
    got = site.unpacked(site.backup(), tmp_path / "got")
    assert (got / "data/kept/still.txt").read_text() == "as it is!\n"


def test_removed_during_the_reading(site: Site) -> None:
    """No failure, and not in the list."""
    (site.data / "gone").write_text("x" * 100)
    site.during((site.data / "gone").unlink)
    assert "data/gone" not in site.listed(site.backup())


def test_many_changes(site: Site) -> None:
    """Thousands of long names."""

    def work() -> None:
        (site.data / "many").mkdir()
        for number in range(2000):
            (site.data / "many" / f"{'x' * 200}{number}").write_text(str(number))

    site.during(work)
    assert len(site.listed(site.backup())) > 2000


def test_names_that_are_not_text(site: Site, tmp_path: Path) -> None:
    """A newline, spaces, bytes that are no UTF-8, a leading dash; read while it runs and while it is paused."""
    names = [b"a\nb", b" c  d ", b"\xff\xfe", b"-rf", b"*", b"\\n", b"x\ndata", "ü".encode() * 80, b"y" * 255]
    data = os.fsencode(site.data)
    for name in names:
        Path(os.fsdecode(data + b"/" + name)).write_bytes(name)
    site.during(lambda: Path(os.fsdecode(data + b"/new\nline\xff")).write_text("later"))
    made = site.backup()
    got = os.fsencode(site.unpacked(made, tmp_path / "got") / "data")
    assert [Path(os.fsdecode(got + b"/" + name)).read_bytes() for name in names] == names
    assert Path(os.fsdecode(got + b"/new\nline\xff")).read_text() == "later"
    assert {os.fsdecode(b"data/" + name) for name in names} < site.listed(made).keys()


def test_holes_and_hard_links(site: Site, tmp_path: Path) -> None:
    """A file with holes takes as little as before, and two names of a file are two names of a file."""
    with (site.data / "sparse").open("wb") as file:
        file.seek(50_000_000)
        file.write(b"end")
        file.truncate(90_000_000)
    os.link(site.data / "sparse", site.data / "second")
    got = site.unpacked(site.backup(), tmp_path / "got") / "data"
    assert (got / "sparse").stat().st_size == 90_000_000
    assert (got / "sparse").stat().st_blocks * 512 < 1_000_000
    assert (got / "sparse").samefile(got / "second")
    with (got / "sparse").open("rb") as file:
        file.seek(50_000_000)
        assert file.read(4) == b"end\0"


def test_attributes_and_access_lists(site: Site, tmp_path: Path) -> None:
    """Extended attributes of any bytes and a list of users are as they were; capabilities are not kept."""
    acl = bytes.fromhex("0200000001000600ffffffff02000400d204000004000400ffffffff10000400ffffffff20000000ffffffff")
    values = {"user.note": b"te\nxt\xff\x80", "trusted.own": b"t", "system.posix_acl_access": acl}
    for name, value in values.items():
        os.setxattr(site.data / "records.jsonl", name, value)
    os.setxattr(site.data / "records.jsonl", "security.capability", bytes.fromhex("01000002c0000000" + "00" * 12))
    made = site.backup()
    listed = site.listed(made)["data/records.jsonl"]["attributes"]
    assert listed == {"trusted.own": "74", "user.note": values["user.note"].hex()}
    archive_of = made / f"{made.name}_volumes.tar.zst"
    words = ["tar", "-C", str(tmp_path), "--zstd", "--xattrs", "--xattrs-include=*", "--acls", "-xpf", str(archive_of)]
    subprocess.run(words, check=True)
    unpacked = tmp_path / "data" / "records.jsonl"
    assert {name: os.getxattr(unpacked, name) for name in os.listxattr(unpacked)} == values


def test_paused_once(site: Site) -> None:
    """Behind a timer that would unpause both; it is removed afterwards."""
    seen: list[dict[str, tuple[str, ...]]] = []
    site.during(lambda: seen.append(dict(site.timers.known)))
    site.backup()
    name = f"{site.host.config.name}-unpause"
    assert seen == [{name: ("docker", "unpause", "backend-1", "backend-2")}]
    assert site.docker.pauses == ["pause", "unpause"]


def test_what_somebody_else_has_paused(site: Site) -> None:
    """It stays paused."""
    site.docker.states["backend-2"] = "paused"
    make.make(site.host)
    assert site.docker.states == {"backend-1": "running", "backend-2": "paused"}


def test_nothing_runs(site: Site) -> None:
    """Nothing is paused, and there is a backup."""
    site.docker.states = {}
    site.backup()
    assert site.docker.pauses == []


def test_the_largest_is_compared_in_the_background(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk has is not what was written: refused, with the name of the file."""
    words = ("sh", "-c", "zstd -q -c | head -c -9")
    monkeypatch.setattr(archive, "compressor", lambda offsite: words)
    assert "_volumes.tar.zst is not what was written: " in site.refused()


def test_ended_while_it_is_paused(site: Site) -> None:
    """A signal ends it in order: the application runs, nothing is left."""

    def end() -> None:
        raise Failure("ended by SIGTERM", exit_code=143)

    site.during(end)
    assert site.refused() == "ended by SIGTERM"
    assert site.docker.pauses == ["pause", "unpause"]


def test_what_a_killed_one_left(site: Site) -> None:
    """The next one removes it."""
    (site.directory / f".{site.host.config.name}_20250101_000000.unfinished" / "x").mkdir(parents=True)
    (site.host.config.state / "staged" / "0").mkdir(parents=True)
    site.backup()


def test_an_unpause_that_fails(site: Site) -> None:
    """The timer stays, and tries it once more."""
    site.docker.fails["unpause"] = "no"
    make.make(site.host)
    assert list(site.timers.known) == [f"{site.host.config.name}-unpause"]


class TestRefused:
    def test_no_data(self, site: Site) -> None:
        """The directory is missing: nothing is paused."""
        shutil.rmtree(site.data)
        assert site.refused() == f"nothing to back up: {site.data} is missing"
        assert site.docker.pauses == []

    def test_nothing_in_it(self, site: Site) -> None:
        """The guide's backup of two empty directories (F4) is a failure."""
        for name in ("data", "logs"):
            shutil.rmtree(site.root / name)
            (site.root / name / "empty").mkdir(parents=True)
        assert "nothing to back up: no file below" in site.refused()

    def test_too_little_space(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Estimated before; the first backup may not be compressible at all."""
        (site.data / "large").write_bytes(b"x" * 30_000_000)
        monkeypatch.setattr(sizes, "free", lambda directory: 40_000_000)
        assert "about 46.0 MB are needed, 40.0 MB are free" in site.refused()

    def test_docker_does_not_answer(self, site: Site) -> None:
        """Its containers may write all the same: that is no backup."""
        site.docker.fails["ps"] = "Cannot connect to the Docker daemon"
        said = site.refused()
        assert said.startswith("Docker does not answer, so the application cannot be paused: Cannot connect")

    def test_no_pause(self, site: Site) -> None:
        """With Docker's own message."""
        site.docker.fails["pause"] = "cannot pause container: no cgroup"
        assert "could not be paused: cannot pause container: no cgroup" in site.refused()

    def test_no_timer(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is paused that nobody would unpause."""
        monkeypatch.setattr(freeze, "TRIES", 1)
        site.timers.refuses = True
        assert "no timer can be set that would unpause it: Unit was already loaded" in site.refused()
        assert site.docker.pauses == []

    def test_a_container_that_was_unpaused(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the timer, or by a person: it has written since."""
        real = staging.Staging.add

        def add(self: staging.Staging, found: Found) -> None:
            site.docker.states["backend-2"] = "running"
            real(self, found)

        site.during(lambda: (site.data / "new").write_text("x"))
        monkeypatch.setattr(staging.Staging, "add", add)
        assert "did not stay paused to the end" in site.refused()

    def test_what_cannot_be_set_aside_in_time(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the largest of it; the application runs again."""
        site.during(lambda: (site.data / "a").write_bytes(b"x" * 300_000))
        monkeypatch.setattr(freeze, "LIMIT", 0)
        said = site.refused()
        assert "could not be set aside in time" in said
        assert "the largest data/a (0.3 MB)" in said

    def test_a_foreign_writer(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever is no container of the application cannot be paused: no backup of that."""
        real = staging.Staging._copy

        def copy(self: staging.Staging, content: archive.Content, to: Path) -> None:
            real(self, content, to)
            (site.data / "large").write_bytes(b"y" * 300_000)

        site.during(lambda: (site.data / "large").write_bytes(b"x" * 300_000))
        monkeypatch.setattr(staging.Staging, "_copy", copy)
        said = site.refused()
        assert "other processes than the application write to data/ or logs/" in said
        assert "data/large: it changed while it was read" in said

    def test_no_space_to_set_aside(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """The application's disk is not filled for it."""
        site.during(lambda: (site.data / "large").write_bytes(b"x" * 300_000))
        staged = site.host.config.state / "staged"
        monkeypatch.setattr(sizes, "free", lambda directory: 10**6 if directory == staged else 10**9)
        assert f"not enough disk space in {site.root} for what changed" in site.refused()

    def test_a_full_disk(self, site: Site) -> None:
        """Though the estimate, by a last backup that could be compressed well, was that it would do."""
        (site.data / "large").write_bytes(b"x" * 60_000_000)
        site.directory.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", str(site.directory)], check=True)
        try:
            site.backup()
            (site.data / "large").write_bytes(os.urandom(100_000_000))
            said = site.refused()
        finally:
            subprocess.run(["umount", str(site.directory)], check=True)
        assert "No space left on device" in said

    def test_a_configuration_that_changes(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Read once more, then given up with the name of the part."""
        changes: list[Path] = []
        real = archive.Archive.close

        def close(self: archive.Archive) -> None:
            real(self)
            if "_config" in self.name:
                changes.append(site.root / ".env")
                (site.root / ".env").write_text(f"N={len(changes)}\n")

        monkeypatch.setattr(archive.Archive, "close", close)
        assert "the part config was changed 3 times while it was read" in site.refused()
        assert len(changes) == 3


class TestEstimate:
    def said(self, site: Site, capsys: pytest.CaptureFixture[str]) -> list[str]:
        make.estimate(site.host)
        return capsys.readouterr().out.splitlines()

    def test_what_it_would_read(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """And what it needs; nothing is written, not even the directory."""
        said = self.said(site, capsys)
        assert said[0] == "volumes: 0.0 MB in data logs"
        assert "about 16.0 MB are needed" in said[-1]
        assert not site.directory.exists()

    def test_it_fails_as_a_backup_would(self, site: Site) -> None:
        """Without data there is nothing to back up."""
        shutil.rmtree(site.data)
        with pytest.raises(Failure, match="nothing to back up"):
            make.estimate(site.host)

    def test_what_a_file_with_holes_takes(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """Not what it could hold."""
        with (site.data / "sparse").open("wb") as file:
            file.truncate(10**12)
        assert self.said(site, capsys)[-1].startswith("about 16.")

    def test_by_the_compression_of_the_last(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """And a quarter more."""
        (site.data / "large").write_bytes(b"x" * 30_000_000)
        site.backup()
        assert self.said(site, capsys)[-1].startswith("about 16.0 MB")


@pytest.mark.parametrize("offsite", [True, False])
def test_the_compressor(offsite: bool) -> None:
    """For restic the stream is cut by its content, so that it copies less."""
    assert ("--rsyncable" in archive.compressor(offsite)) is offsite
