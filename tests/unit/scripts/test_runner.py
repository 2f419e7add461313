"""runner.sh with real bash: what a job's directory becomes, without a session around it."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from deployer.engine.changes import Change, File, Gate, Script, SecondLogin, WriteFiles
from deployer.engine.job import Job, pack
from deployer.secret import Secret
from tests.support.fakes import IS_ROOT

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files get their owners, as on a host")


@dataclass(frozen=True)
class Ended:
    """What a job left: its exit code, its marks, its other lines."""

    exit_code: int
    marks: list[str]
    lines: list[str]


class Laid:
    """A job laid down in a directory, as follow.sh does."""

    def __init__(self, directory: Path, *changes: Change) -> None:
        self.work = directory / "job"
        self.work.mkdir(mode=0o700)
        job = Job("a title", changes, PurePosixPath(directory / ".env"))
        subprocess.run(["tar", "-C", str(self.work), "-xf", "-"], input=pack(job), check=True)
        os.mkfifo(self.work / "started")

    def start(self) -> "subprocess.Popen[bytes]":
        words = ["bash", str(self.work / "runner.sh"), str(self.work)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def run(self) -> Ended:
        with self.start() as running:
            output, _ = running.communicate(timeout=30)
        return self.ended(output)

    def ended(self, output: bytes) -> Ended:
        lines = output.decode().split("\n")
        marks = [line[1:] for line in lines if line.startswith("\x1e")]
        others = [line for line in lines if line and not line.startswith("\x1e")]
        return Ended(int((self.work / "rc").read_text()), marks, others)


def run(directory: Path, *changes: Change) -> Ended:
    return Laid(directory, *changes).run()


def file(path: Path, content: str = "new", mode: int = 0o644) -> File:
    return File(PurePosixPath(path), content.encode(), mode)


class TestFiles:
    def test_written(self, tmp_path: Path) -> None:
        """With content, mode and owner; directories on the way are made; no staging file is left."""
        path = tmp_path / "a b" / "it's"
        ended = run(tmp_path, WriteFiles("write", (File(PurePosixPath(path), b"x\0y", 0o640, "nobody", "nogroup"),)))
        assert ended == Ended(0, ["change 1", "done 1"], [])
        assert path.read_bytes() == b"x\0y"
        assert (path.stat().st_mode & 0o7777, path.owner(), path.group()) == (0o640, "nobody", "nogroup")
        assert [left.name for left in path.parent.iterdir()] == ["it's"]

    def test_renamed_into_place(self, tmp_path: Path) -> None:
        """A reader that has the old file open reads all of it; the directory keeps its inode."""
        path = tmp_path / "etc" / "x"
        path.parent.mkdir()
        path.write_text("old")
        directory = path.parent.stat().st_ino
        with path.open() as reader:
            run(tmp_path, WriteFiles("write", (file(path),)))
            assert reader.read() == "old"
        assert path.read_text() == "new"
        assert path.parent.stat().st_ino == directory

    def test_check_sees_the_new_files(self, tmp_path: Path) -> None:
        """Below $STAGED, under their full paths, before any is in place."""
        path = tmp_path / "x"
        check = f'cat "$STAGED{path}"; [ ! -e {path} ]'
        assert run(tmp_path, WriteFiles("write", (file(path),), check=check)).lines == ["new"]

    def test_check_refuses(self, tmp_path: Path) -> None:
        """Nothing is written, what stood there stands untouched, and there is nothing to take back."""
        old, absent = tmp_path / "old", tmp_path / "absent"
        old.write_text("old")
        ended = run(tmp_path, WriteFiles("write", (file(old), file(absent)), check="echo no; exit 3"))
        assert ended == Ended(3, ["change 1", "failed 1 3", "undone"], ["no"])
        assert old.read_text() == "old"
        assert not absent.exists()

    def test_one_of_several_cannot_be_written(self, tmp_path: Path) -> None:
        """Those written before it are put back; those after it were never touched."""
        first, stuck, last = tmp_path / "first", tmp_path / "in the way" / "x", tmp_path / "last"
        first.write_text("old first")
        stuck.parent.write_text("no directory")
        last.write_text("old last")
        ended = run(tmp_path, WriteFiles("write", (file(first), file(stuck), file(last))))
        assert ended.exit_code != 0
        assert ended.marks[-1] == "undone"
        assert (first.read_text(), last.read_text()) == ("old first", "old last")

    def test_directory_in_its_place(self, tmp_path: Path) -> None:
        """A directory is not replaced, and nothing is written into it."""
        (tmp_path / "x").mkdir()
        ended = run(tmp_path, WriteFiles("write", (file(tmp_path / "x"),)))
        assert ended.exit_code != 0
        assert list((tmp_path / "x").iterdir()) == []
        assert not list(tmp_path.glob("*.deployer-new"))

    def test_symlink_is_replaced(self, tmp_path: Path) -> None:
        """The link, not what it points to."""
        target, link = tmp_path / "target", tmp_path / "link"
        target.write_text("kept")
        link.symlink_to(target)
        run(tmp_path, WriteFiles("write", (file(link),)))
        assert not link.is_symlink()
        assert (link.read_text(), target.read_text()) == ("new", "kept")

    def test_put_back_with_mode_and_owner(self, tmp_path: Path) -> None:
        """When a later change fails the old file is as it was, a new one is gone."""
        old, new = tmp_path / "old", tmp_path / "new"
        old.write_text("old")
        old.chmod(0o600)
        os.chown(old, 65534, 65534)
        ended = run(tmp_path, WriteFiles("write", (file(old), file(new))), Script("fail", "exit 9"))
        assert ended == Ended(9, ["change 1", "done 1", "change 2", "failed 2 9", "undone"], [])
        assert (old.read_text(), old.stat().st_mode & 0o7777, old.stat().st_uid) == ("old", 0o600, 65534)
        assert not new.exists()


class TestGate:
    def test_passes_when_it_becomes_true(self, tmp_path: Path) -> None:
        """It is asked again until it is."""
        gate = Gate("ready", f"echo x >>{tmp_path}/asked; [ $(wc -l <{tmp_path}/asked) = 3 ]", 10, pause=0.1)
        assert run(tmp_path, gate).exit_code == 0
        assert (tmp_path / "asked").read_text() == "x\n" * 3

    def test_never_true(self, tmp_path: Path) -> None:
        """After its time it fails with what it said last, and why."""
        ended = run(tmp_path, Gate("ready", "echo not yet; exit 1", 1, explain="echo its log", pause=0.2))
        assert ended.exit_code == 1
        assert ended.lines == ["not yet", "its log"]

    def test_exit_100(self, tmp_path: Path) -> None:
        """It will never be true: nobody waits."""
        began = time.monotonic()
        assert run(tmp_path, Gate("ready", "echo dead; exit 100", 60)).lines == ["dead"]
        assert time.monotonic() - began < 5

    def test_question_that_hangs(self, tmp_path: Path) -> None:
        """One that does not answer is ended after the gate's time."""
        began = time.monotonic()
        assert run(tmp_path, Gate("ready", "sleep 60", 1)).exit_code == 1
        assert time.monotonic() - began < 10


class TestRun:
    def test_stops_at_the_first_failure(self, tmp_path: Path) -> None:
        """`set -euo pipefail` holds; later changes are not made."""
        later = Script("later", "echo later")
        for script in ("false; echo on", "exit 3 | cat; echo on", 'echo "$unset_variable"; echo on'):
            directory = tmp_path / str(len(script))
            directory.mkdir()
            ended = run(directory, Script("do", script), later)
            assert ended.exit_code != 0
            assert "on" not in ended.lines
            assert "later" not in ended.lines

    def test_no_input(self, tmp_path: Path) -> None:
        """A program that asks gets no answer instead of waiting for one."""
        assert run(tmp_path, Script("ask", "read -r answer || echo nobody")).lines == ["nobody"]

    def test_output_without_a_newline(self, tmp_path: Path) -> None:
        """A mark is found after a line that has no end."""
        assert run(tmp_path, Script("say", "printf half; exit 5")) == Ended(
            5, ["change 1", "failed 1 5", "undone"], ["half"]
        )

    def test_error_output(self, tmp_path: Path) -> None:
        """Both outputs are shown."""
        assert sorted(run(tmp_path, Script("say", "echo one; echo two >&2")).lines) == ["one", "two"]

    def test_payload(self, tmp_path: Path) -> None:
        """Readable by root alone while the script runs, gone afterwards, also when it failed."""
        for code in (0, 1):
            directory = tmp_path / str(code)
            directory.mkdir()
            laid = Laid(
                directory,
                Script("use", f'stat -c %a "$PAYLOAD"; wc -c <"$PAYLOAD"; exit {code}', payload=Secret("12345")),
            )
            assert laid.run().lines == ["600", "5"]
            assert not list(laid.work.glob("*.payload"))


class TestUndo:
    def test_reverse_order(self, tmp_path: Path) -> None:
        """What was done is taken back last first; what was not done is not."""
        changes = [Script(name, f"echo +{name}", undo=f"echo -{name}") for name in "abc"]
        changes[2] = Script("c", "echo +c; exit 1", undo="echo -c")
        assert run(tmp_path, *changes, Script("d", "echo +d", undo="echo -d")).lines == [
            "+a",
            "+b",
            "+c",
            "-c",
            "-b",
            "-a",
        ]

    def test_files_first(self, tmp_path: Path) -> None:
        """An undo (a reload, say) acts on the files that stood there before, also on those written after its change."""
        path, before = tmp_path / "conf", tmp_path / "before"
        path.write_text("old")
        before.write_text("old before")
        ended = run(
            tmp_path,
            WriteFiles("write", (file(before),)),
            Script("reload", "true", undo=f"cat {before} {path}"),
            WriteFiles("write", (file(path),)),
            Script("fail", "exit 9"),
        )
        assert ended.lines == ["old beforeold"]
        assert ended.marks[-1] == "undone"

    def test_files_that_are_as_before(self, tmp_path: Path) -> None:
        """A file that an undo or the change itself has restored already keeps its inode: no watcher sees a change."""
        path = tmp_path / "conf"
        path.write_text("old")
        inode = tmp_path / "inode"
        restore = f"printf old >{path}.own && mv {path}.own {path}; stat -c %i {path} >{inode}; exit 9"
        ended = run(tmp_path, WriteFiles("write", (file(path),)), Script("put back and fail", restore))
        assert ended.exit_code == 9
        assert path.read_text() == "old"
        assert path.stat().st_ino == int(inode.read_text())

    def test_file_that_cannot_be_put_back(self, tmp_path: Path) -> None:
        """It is said that something is stuck; the undo scripts are run all the same."""
        path = tmp_path / "conf"
        path.write_text("old")
        break_it = f"rm {path}; mkdir -p {path}/in-the-way; exit 9"
        ended = run(
            tmp_path, Script("a", "true", undo="echo -a"), WriteFiles("w", (file(path),)), Script("b", break_it)
        )
        assert ended.marks[-1] == "stuck"
        assert ended.lines[-1] == "-a"

    def test_payload_is_there(self, tmp_path: Path) -> None:
        """An undo has the payload of its change, and the payload is removed."""
        former = '"${PAYLOAD%/*}/former.payload"'
        use = Script("use", f'cp "$PAYLOAD" {former}; exit 1', undo=f"cat {former}", payload=Secret("12345"))
        laid = Laid(tmp_path, use)
        assert laid.run().lines == ["12345"]
        assert not list(laid.work.glob("*.payload"))

    def test_stuck(self, tmp_path: Path) -> None:
        """An undo that fails is said, and the others are made."""
        ended = run(
            tmp_path, Script("a", "true", undo="echo -a"), Script("b", "true", undo="exit 1"), Script("c", "exit 1")
        )
        assert ended.marks[-1] == "stuck"
        assert ended.lines == ["-a"]


class TestTerm:
    def test_ends(self, tmp_path: Path) -> None:
        """A job that is terminated leaves exit code 143, and no secret."""
        laid = Laid(tmp_path, Script("work", "echo on; sleep 60", payload=Secret("x")))
        with laid.start() as running:
            assert running.stdout
            while b"on" not in running.stdout.readline():
                pass
            os.killpg(running.pid, signal.SIGTERM)
            _end_of_session(running.pid)
            output = running.stdout.read()
            running.wait(20)
        assert laid.ended(output).exit_code == 143
        assert not list(laid.work.glob("*.payload"))

    def test_may_go_back(self, tmp_path: Path) -> None:
        """What acts may go back in its own way, and say so; the job is over only after it."""
        back = tmp_path / "back"
        script = f"trap 'echo going back; sleep 0.2; echo still; touch {back}; exit 4' TERM; echo on; sleep 60"
        laid = Laid(tmp_path, Script("work", script))
        with laid.start() as running:
            assert running.stdout
            while b"on" not in running.stdout.readline():
                pass
            _end_of_session(running.pid)
            output = running.stdout.read()
            running.wait(20)
        ended = laid.ended(output)
        assert ended.exit_code == 143
        assert ended.lines[-2:] == ["going back", "still"]
        assert back.exists()


def _end_of_session(session: int) -> None:
    """`systemctl kill` reaches each process of the unit; `timeout` made a process group of its own."""
    listed = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False)
    for pid in listed.stdout.split():
        try:
            os.kill(int(pid), signal.SIGTERM)
        except ProcessLookupError:
            continue


class TestLock:
    def test_running_is_held(self, tmp_path: Path) -> None:
        """Whoever wants to know whether a job still runs takes the lock on its file `running`."""
        laid = Laid(tmp_path, Script("work", "echo on; sleep 1"))
        with laid.start() as running:
            assert running.stdout
            while b"on" not in running.stdout.readline():
                pass
            held = subprocess.run(["flock", "-n", str(laid.work / "running"), "true"], check=False)
            assert held.returncode == 1
            running.communicate(timeout=20)
        free = subprocess.run(["flock", "-n", str(laid.work / "running"), "true"], check=False)
        assert free.returncode == 0


def test_second_login_is_no_job(tmp_path: Path) -> None:
    """It is made from the operator's side."""
    changes: Sequence[Change] = (SecondLogin("come in", "true"),)
    with pytest.raises(AssertionError):
        pack(Job("t", changes, PurePosixPath("/x")))


def test_limit_of_a_job() -> None:
    """Longer than everything in it may take."""
    job = Job("t", (Script("a", "", within=100), Gate("b", "", 50), WriteFiles("c", ())), PurePosixPath("/x"))
    assert job.limit > 100 + 50 + 60
