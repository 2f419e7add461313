"""Changes that fail: what is undone, what the error holds."""

import json
from pathlib import Path, PurePosixPath

from deployer.engine.changes import File, Gate, Script, WriteFiles
from deployer.errors import DeployerError, GateFailed, RollbackFailed
from tests.support.fakes import Bed

from .play import Play, always, audit, needs_root

pytestmark = needs_root


class TestFailing:
    def test_undone_in_reverse(self, here: Bed) -> None:
        """A gate that fails undoes the changes before it, last first: exit 4."""
        log = here.root / "log"
        step = always(
            Script("one", f"echo +1 >>{log}", undo=f"echo -1 >>{log}"),
            Script("two", f"echo +2 >>{log}", undo=f"echo -2 >>{log}"),
            Gate("it answers", "echo no answer; exit 1", within=1, explain="echo because of the wind", pause=0.2),
            Script("three", f"echo +3 >>{log}", undo=f"echo -3 >>{log}"),
        )
        error = Play(here, step).fails_with(GateFailed)
        assert log.read_text().split() == ["+1", "+2", "-2", "-1"]
        assert error.exit_code == 4
        assert error.what == "it answers: failed; the previous release is still serving"
        assert error.context.output.splitlines()[:2] == ["no answer", "because of the wind"]

    def test_failing_change_is_undone_too(self, here: Bed) -> None:
        """A change that failed half-way is undone as well; without a gate the exit code is 1."""
        log = here.root / "log"
        step = always(Script("half", f"echo half >>{log}; false; echo complete >>{log}", undo=f"echo undone >>{log}"))
        error = Play(here, step).fails_with(DeployerError)
        assert log.read_text().split() == ["half", "undone"]
        assert (error.exit_code, error.context.exit_code) == (1, 1)

    def test_undo_fails(self, here: Bed) -> None:
        """An undo that fails ends with exit 5; the other changes are undone all the same."""
        log = here.root / "log"
        step = always(
            Script("one", "true", undo=f"echo -1 >>{log}"),
            Script("two", "true", undo="exit 1"),
            Script("three", "exit 1"),
        )
        error = Play(here, step).fails_with(RollbackFailed)
        assert error.exit_code == 5
        assert log.read_text().split() == ["-1"]

    def test_script_that_rolled_back(self, here: Bed) -> None:
        """Exit code 4 of a change is the tool's own exit code 4."""
        assert Play(here, always(Script("roll", "exit 4"))).fails_with(GateFailed).exit_code == 4

    def test_error_holds_the_last_lines(self, here: Bed) -> None:
        """The message names the change, the step and its last output; the lock is free."""
        error = Play(here, always(Script("build", "echo first; echo last >&2; exit 7"))).fails_with(DeployerError)
        assert error.what == "build: failed"
        assert error.context.step == "always"
        assert error.context.exit_code == 7
        assert error.context.output.splitlines() == ["first", "last"]
        assert here.lock_is_free()

    def test_audit_line(self, here: Bed) -> None:
        """A run that failed leaves a line as well."""
        Play(here, always(Script("build", "exit 7"))).fails_with(DeployerError)
        (line,) = audit(here)
        assert "failed: build: failed" in json.dumps(line)

    def test_limit(self, here: Bed) -> None:
        """A change that takes longer than its limit is ended."""
        error = Play(here, always(Script("dawdle", "sleep 30", within=1))).fails_with(DeployerError)
        assert error.context.exit_code == 124

    def test_files_are_put_back(self, here: Bed) -> None:
        """Files written before a change that fails are as they were, and new ones are gone."""
        old, new = here.root / "old", here.root / "etc" / "new"
        old.write_text("old")
        files = tuple(File(path=_pure(path), content=b"changed") for path in (old, new))
        error = Play(here, always(WriteFiles("write", files), Script("then", "exit 1"))).fails_with(DeployerError)
        assert error.exit_code == 1
        assert old.read_text() == "old"
        assert not new.exists()

    def test_refused_files_are_not_touched(self, here: Bed) -> None:
        """Where the check refuses the new files the old ones stay, with the same inode."""
        old = here.root / "old"
        old.write_text("old")
        before = old.stat()
        change = WriteFiles("write", (File(_pure(old), b"changed"),), check=f'cat "$STAGED{old}"; exit 1')
        error = Play(here, always(change)).fails_with(DeployerError)
        assert error.context.output == "changed"
        assert old.read_text() == "old"
        assert old.stat().st_ino == before.st_ino


def _pure(path: Path) -> PurePosixPath:
    return PurePosixPath(path)
