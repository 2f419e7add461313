"""backup.sh with real bash, tar and zstd: one instant of what changes meanwhile, the same by a job and by cron."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.text.shell import lines
from tests.support.fakes import IS_ROOT

from .shop import BACKENDS, Shop, shop

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host"),
    pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not here"),
]

MAKES_BAD_DISKS = all(shutil.which(name) for name in ("mkfs.ext2", "debugfs")) and Path("/dev/loop-control").exists()


@contextmanager
def bad_disk(place: Path, at: Path, block: str) -> Iterator[None]:
    """A file system with a file `bad`, of which this block lies nowhere: to read it is an input/output error."""
    image = place / "disk"
    make = (
        f"truncate -s 4M {image}; mkfs.ext2 -q {image}; mount -o loop {image} {at}",
        f"head -c 60000 /dev/urandom >{at}/bad; umount {at}",
        f"debugfs -w -R 'sif bad block[{block}] 99999999' {image}; mount -o loop {image} {at}",
    )
    subprocess.run(["bash", "-ec", lines(*make)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Shop]:
    with shop(tmp_path) as opened:
        yield opened


def test_what_it_makes(open_shop: Shop) -> None:
    """The guide's parts, the list of files, a manifest, the sums: 0600, in a directory for root alone."""
    made = open_shop.backup()
    directory = open_shop.directory / made
    parts = ("volumes.tar.zst", "config.tar.zst", "ssl.tar.zst", "files.jsonl.zst")
    assert sorted(path.name for path in directory.iterdir()) == sorted(
        [*(f"{made}_{part}" for part in parts), "manifest.json", "SHA256SUMS"]
    )
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == open_shop.directory.stat().st_mode & 0o777 == 0o700
    (told,) = open_shop.known()
    assert (told.parts, told.release, told.commit, told.problem) == (("volumes", "config", "ssl"), "r1", "abc", "")
    assert told.files == 9
    assert "hidden" not in (directory / "manifest.json").read_text()


def test_the_same_under_cron(open_shop: Shop) -> None:
    """Without -e and without pipefail: a failure is one there as well."""
    ran = open_shop.run("backup", as_job=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    (open_shop.commands / "unpausable").touch()
    assert "could not be paused" in open_shop.refused(as_job=False)


def test_a_torn_line_of_the_log_of_releases(open_shop: Shop) -> None:
    """A loss of power left half a line: the manifest is sound, and names no release."""
    (open_shop.root / ".deployer/releases.jsonl").write_text('{"id": "r1", "result": "deployed"')
    made = open_shop.backup()
    assert json.loads((open_shop.directory / made / "manifest.json").read_text())["release"] is None


def test_changes_during_the_read(open_shop: Shop, tmp_path: Path) -> None:
    """Rewritten, appended, made, renamed: as it was when the application stood still, in a plain unpacking as well."""
    (open_shop.root / "data/rewritten").write_text("before")
    (open_shop.root / "data/renamed").write_text("content")
    open_shop.during(
        "printf after. >data/rewritten",
        "echo two >>data/records.jsonl; echo another line >>logs/api.log",
        "mkdir data/new; echo created >data/new/file; ln -s new/file data/link",
        "mv data/renamed data/moved",
    )
    made = open_shop.backup()
    got = open_shop.unpacked(made, tmp_path / "got")
    assert (got / "data/rewritten").read_text() == "after."
    assert (got / "data/records.jsonl").read_text() == "one\ntwo\n"
    assert (got / "logs/api.log").read_text() == "a line\nanother line\n"
    assert (got / "data/link").read_text() == "created\n"
    assert (got / "data/moved").read_text() == "content"
    assert (got / "data/kept/still.txt").stat().st_mtime_ns == 1_600_000_000_123_456_789
    assert "data/renamed" not in open_shop.listed(made)


def test_a_rewrite_that_keeps_size_and_times(open_shop: Shop, tmp_path: Path) -> None:
    """The application may set the time of a file back; the time of the change of its entry tells."""
    changed = open_shop.root / "data/kept/still.txt"
    when = changed.stat().st_mtime_ns
    open_shop.during(
        "printf 'as it is!\\n' >data/kept/still.txt",
        f"python3 -c 'import os; os.utime(\"data/kept/still.txt\", ns=({when}, {when}))'",
    )
    got = open_shop.unpacked(open_shop.backup(), tmp_path / "got")
    assert (got / "data/kept/still.txt").read_text() == "as it is!\n"


def test_removed_during_the_read(open_shop: Shop) -> None:
    """A file, and a directory that became a file: no failure, and not in the list."""
    for name in ("data/gone", "data/directory/inner"):
        (open_shop.root / name).parent.mkdir(exist_ok=True)
        (open_shop.root / name).write_text("x" * 100)
    open_shop.during("rm data/gone; rm -r data/directory; echo now a file >data/directory")
    listed = open_shop.listed(open_shop.backup())
    assert "data/gone" not in listed
    assert listed["data/directory"]["type"] == "file"


def after_the_first_scan(command: str) -> str:
    return f'eval "real_$(declare -f scan_running)"; scan_running() {{ sleep 0.2; real_scan_running; {command}; }}'


def test_a_file_that_goes_before_it_is_read(open_shop: Shop) -> None:
    """tar calls that an error: the second look has seen it, so it is none."""
    (open_shop.root / "logs/gone").write_text("x")
    later = after_the_first_scan('rm "$ROOT/logs/gone"')
    ran = open_shop.run(later, "backup")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "logs/gone" not in open_shop.listed(open_shop.complete[-1])


def test_a_file_that_is_cut_while_it_is_read(open_shop: Shop, tmp_path: Path) -> None:
    """tar goes on with zeros; what counts is what was set aside."""
    (open_shop.root / "logs/cut").write_bytes(b"x" * 100_000)
    later = after_the_first_scan('truncate -s 5 "$ROOT/logs/cut"')
    ran = open_shop.run(later, "backup")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert (open_shop.unpacked(open_shop.complete[-1], tmp_path / "got") / "logs/cut").read_bytes() == b"x" * 5


def test_many_changes(open_shop: Shop) -> None:
    """More names than two pipes hold: nobody waits for the other."""
    name = "x" * 200
    open_shop.during(f"mkdir data/many; for n in $(seq 2000); do echo $n >data/many/{name}$n; done")
    assert len(open_shop.listed(open_shop.backup())) > 2000


def test_names_that_are_not_text(open_shop: Shop, tmp_path: Path) -> None:
    """A newline, spaces, bytes that are no UTF-8, a leading dash; read while it runs and when it stands still."""
    names = [b"data/a\nb", b"data/ c  d ", b"data/\xff\xfe", b"data/-rf", b"data/*", b"data/\\n", b"data/x\ndata"]
    root = os.fsencode(open_shop.root)
    for name in names:
        Path(os.fsdecode(root + b"/" + name)).write_bytes(name)
    open_shop.during(r"printf later >$'data/new\nline\xff'")
    made = open_shop.backup()
    got = os.fsencode(open_shop.unpacked(made, tmp_path / "got"))
    assert [Path(os.fsdecode(got + b"/" + name)).read_bytes() for name in names] == names
    assert Path(os.fsdecode(got + b"/data/new\nline\xff")).read_text() == "later"
    assert {os.fsdecode(name) for name in names} < open_shop.listed(made).keys()


def test_one_instant(open_shop: Shop) -> None:
    """Paused once, behind a timer that would let it go on; both let go."""
    open_shop.during("cp ../programs/timer ../programs/timer.seen")
    open_shop.backup()
    assert open_shop.pauses == [
        f"pause {' '.join(BACKENDS)}",
        f"unpause {' '.join(BACKENDS)}",
    ]
    assert (open_shop.commands / "timer.seen").read_text() == f"docker unpause {' '.join(BACKENDS)}\n"


def test_they_go_on_before_the_rest(open_shop: Shop) -> None:
    """What was set aside is packed while the application runs again."""
    look = 'consolidate_databases() { real_merge; cat "$(dirname "$(command -v docker)")/containers"; }'
    ran = open_shop.run('eval "real_merge() $(declare -f consolidate_databases | tail -n +2)"', look, "backup")
    assert [line for line in ran.stdout.splitlines() if line.startswith("backend")] == [
        f"{name} running" for name in BACKENDS
    ]


@pytest.mark.parametrize("as_job", [True, False])
def test_broken_off_while_they_stand_still(open_shop: Shop, as_job: bool) -> None:
    """SIGTERM, which Ctrl-C becomes on the host: they go on, and nothing is left."""
    open_shop.during("kill -TERM $(cut -d' ' -f4 /proc/$PPID/stat)")
    assert open_shop.run("backup", as_job=as_job).returncode == 143
    assert [asked.split()[0] for asked in open_shop.pauses] == ["pause", "unpause"]
    assert open_shop.left_over == []


def test_told_twice_to_stop(open_shop: Shop) -> None:
    """systemd tells each process of a job, and timeout(1) passes on what it is told: the clearing away goes on."""
    open_shop.during("kill -TERM $(cut -d' ' -f4 /proc/$PPID/stat)")
    again = 'eval "real_$(declare -f unpause)"; unpause() { kill -TERM $BASHPID; real_unpause; }'
    assert open_shop.run(again, "backup").returncode == 143
    assert open_shop.left_over == []


class TestRefused:
    def test_no_data(self, open_shop: Shop) -> None:
        """The directory is missing: said so, nothing is paused."""
        shutil.rmtree(open_shop.root / "data")
        assert open_shop.refused() == f"nothing to back up: {open_shop.root}/data is missing\n"
        assert open_shop.pauses == []

    def test_nothing_in_it(self, open_shop: Shop) -> None:
        """The guide's backup of two empty directories (F4) is a failure."""
        for name in ("data", "logs"):
            shutil.rmtree(open_shop.root / name)
            (open_shop.root / name / "empty").mkdir(parents=True)
        assert "nothing to back up: no file below" in open_shop.refused()

    def test_too_little_room(self, open_shop: Shop) -> None:
        """Estimated before; the first backup may not be compressible at all."""
        (open_shop.root / "data/large").write_bytes(b"\0" * 30_000_000)
        said = open_shop.refused("free_in() { echo 40000000; }")
        assert "not enough disk space" in said
        assert "about 46.0 MB are needed, 40.0 MB are free" in said

    def test_what_a_sparse_file_takes(self, open_shop: Shop) -> None:
        """Not what it could hold."""
        with (open_shop.root / "data/sparse").open("wb") as file:
            file.truncate(10**12)
        assert open_shop.run("estimate").stdout.splitlines()[-1].startswith("about 16.")

    def test_docker_is_silent(self, open_shop: Shop) -> None:
        """Its containers may write all the same: that is not a backup."""
        (open_shop.commands / "silent").touch()
        assert open_shop.refused().splitlines()[-1].startswith("Docker does not answer, so the application cannot be")

    def test_no_pause(self, open_shop: Shop) -> None:
        """With Docker's own words."""
        (open_shop.commands / "unpausable").touch()
        assert "could not be paused: cannot pause container: no cgroup" in open_shop.refused()

    def test_no_timer(self, open_shop: Shop) -> None:
        """Nothing is paused that nobody would let go on."""
        (open_shop.commands / "no-timers").touch()
        assert "no timer can be set" in open_shop.refused()
        assert open_shop.pauses == []

    def test_a_container_that_was_let_go_on(self, open_shop: Shop) -> None:
        """By the timer, or by a person: it has written since."""
        again = "bash -c \"sed -i 's/backend-2 .*/backend-2 running/' ../programs/containers\""
        said = open_shop.refused(
            f'eval "real_$(declare -f set_aside)"; set_aside() {{ real_set_aside; (cd $ROOT; {again}); }}'
        )
        assert "did not stay paused to the end" in said

    def test_what_cannot_be_set_aside_in_time(self, open_shop: Shop) -> None:
        """Said with the largest of it; the application goes on."""
        open_shop.during("head -c 300000 /dev/zero >data/large")
        said = open_shop.refused("timeout() { return 124; }")
        assert "could not be set aside within 25 s" in said
        assert "the largest data/large (0.3 MB)" in said

    def test_a_foreign_writer(self, open_shop: Shop) -> None:
        """Whoever is no container of the application cannot be held still: said, and no backup of it."""
        open_shop.during("head -c 300000 /dev/zero >data/large")
        said = open_shop.refused("timeout() { echo 'tar: data/large: file changed as we read it' >&2; return 1; }")
        assert "other processes than the application write to data/ or logs/" in said
        assert "data/large: file changed as we read it" in said

    def test_no_room_to_set_aside(self, open_shop: Shop) -> None:
        """The application's disk is not filled for it."""
        said = open_shop.refused('free_in() { if [ "$1" = "$ROOT" ]; then echo 1000000; else echo 1000000000; fi; }')
        assert f"not enough disk space in {open_shop.root} for what changed" in said

    @pytest.mark.skipif(not MAKES_BAD_DISKS, reason="needs mkfs.ext2, debugfs and a loop device")
    @pytest.mark.parametrize(("block", "expected"), [("IND", "tar: data/disk/bad: "), ("0", "logs/ cannot be read")])
    def test_an_unreadable_file(self, open_shop: Shop, tmp_path: Path, block: str, expected: str) -> None:
        """A disk that gives an error inside of a file, or at its beginning: named, though tar goes on with zeros.

        As cron runs it, where a pipe tells of its last command alone.
        """
        (open_shop.root / "data/disk").mkdir()
        with bad_disk(tmp_path, open_shop.root / "data/disk", block):
            said = open_shop.refused(as_job=False)
        assert expected in said
        assert "data/disk/bad" in said

    def test_a_full_disk(self, open_shop: Shop) -> None:
        """Though the estimate, by a last backup that could be compressed well, said it would do."""
        (open_shop.root / "data/large").write_bytes(b"\0" * 60_000_000)
        open_shop.directory.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", str(open_shop.directory)], check=True)
        try:
            open_shop.backup()
            (open_shop.root / "data/large").write_bytes(os.urandom(100_000_000))
            said = open_shop.refused(as_job=False)
        finally:
            subprocess.run(["umount", str(open_shop.directory)], check=True)
        assert "No space left on device" in said

    @pytest.mark.parametrize("how", ["zstd -q -c; printf x", "zstd -q -c | head -c -9", "zstd -q -c | tr a-m n-z"])
    def test_a_disk_that_writes_something_else(self, open_shop: Shop, how: str) -> None:
        """What can be read back is not what was written: more, less, other."""
        said = open_shop.refused(f"compress() {{ {how}; }}", as_job=False)
        assert "_volumes.tar.zst is not what was written: " in said

    def test_a_file_that_tar_leaves_out(self, open_shop: Shop) -> None:
        """Found as it goes by, though tar is content."""
        (open_shop.root / "data/left-out").write_text("x")
        said = open_shop.refused('tar() { command tar --exclude=left-out "$@"; }', as_job=False)
        assert "'data/left-out' is missing in the archive" in said


def test_what_a_killed_one_left(open_shop: Shop) -> None:
    """SIGKILL while they stand still: the timer is there; the next backup finds nothing of it in its way."""
    open_shop.during("kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)")
    assert open_shop.run("backup").returncode != 0
    open_shop.await_paused()
    assert "timer" in open_shop.left_over
    subprocess.run(["bash", "-c", f"PATH={open_shop.commands}:$PATH; $(cat {open_shop.commands}/timer)"], check=True)
    (open_shop.commands / "timer").unlink()
    open_shop.during("true")
    open_shop.backup()


def test_an_unpause_that_fails(open_shop: Shop) -> None:
    """The timer stays, and tries it once more."""
    (open_shop.commands / "stuck").touch()
    assert open_shop.run("backup").returncode == 0
    assert "timer" in open_shop.left_over


def test_a_dry_look(open_shop: Shop) -> None:
    """What would be read and needed; nothing is written, not even the directory."""
    ran = open_shop.run("estimate")
    assert ran.returncode == 0
    assert ran.stdout.startswith("volumes: 0.0 MB in data logs\n")
    assert "about 16.0 MB are needed" in ran.stdout
    assert not open_shop.directory.exists()
    shutil.rmtree(open_shop.root / "data")
    assert open_shop.run("estimate").returncode == 1
