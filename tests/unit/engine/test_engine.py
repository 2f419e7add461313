"""The engine with the real session and runner on this machine: nothing to do, previewing, acting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.engine.changes import Change, Note, Script, Stop
from deployer.engine.engine import Engine, RunContext
from deployer.engine.facts import Answer, Facts, Resolve
from deployer.errors import DeployerError
from deployer.output.report import ShownNote, Verdicts
from tests.support.fakes import Bed, Recorder, Scripted

from .play import Play, always, audit, needs_root, wants

pytestmark = needs_root


class TestNothingToDo:
    def test_one_channel(self, here: Bed) -> None:
        """A run with nothing to do opens one channel: lock, survey and release travel in it."""
        (here.root / "file").write_text("yes\n")
        play = Play(here, wants(here.root / "file", "yes"), wants(here.root / "file", "yes", "again"))
        play.apply()
        assert play.transport.traffic().round_trips == 1
        assert play.verdicts() == ["unchanged", "unchanged"]

    def test_leaves_no_trace(self, here: Bed) -> None:
        """Nothing is written to the audit log, and the lock is free."""
        Play(here, always()).apply()
        assert audit(here) == []
        assert here.lock_is_free()

    def test_question_asked_once(self, here: Bed) -> None:
        """Two steps that need the same fact cost one question."""
        step = wants(here.root / "file", "yes")
        play = Play(here, step, step)
        play.engine.look()
        assert play.transport.scripts[0].count(f"cat {here.root / 'file'}") == 1


class TestLooking:
    def test_preview_writes_nothing(self, here: Bed) -> None:
        """A dry run takes no lock and changes nothing; it reports what a run would do."""
        play = Play(here, wants(here.root / "file", "yes"))
        plans = play.engine.preview()
        assert [change.why for change in plans[0].changes if isinstance(change, Script)] == ["write yes"]
        assert list(here.root.iterdir()) == []
        assert not Path(f"/run/deployer/{here.host.name}.lock").exists()
        assert play.verdicts() == ["would change"]

    def test_preview_is_what_a_run_does(self, here: Bed) -> None:
        """The list of a dry run is the list of the run."""
        step = wants(here.root / "file", "yes")
        previewed = Play(here, step)
        previewed.engine.preview()
        play = Play(here, step)
        play.apply()
        assert play.report.steps[0].changes == previewed.report.steps[0].changes

    def test_unknown_is_not_absent(self, here: Bed) -> None:
        """A fact that the host cannot answer makes the step unknown, with the host's own error."""

        def wanted(facts: Facts) -> Iterator[Change | Note]:
            yield Note(facts["broken"])

        play = Play(here, Scripted("dark", {"broken": "echo no idea >&2; exit 3"}, wanted))
        play.engine.preview()
        assert play.verdicts() == ["unknown"]
        assert play.report.steps[0].reason == "no idea"

    def test_all_problems_are_reported(self, here: Bed) -> None:
        """The problems of several steps are reported at once, with each remedy."""

        def stop(facts: Facts) -> Iterator[Change | Note]:
            raise Stop(Note("too small", "buy a larger one"), Note("too old", "upgrade"))
            yield

        play = Play(here, Scripted("first", {}, stop), Scripted("second", {}, stop))
        with pytest.raises(DeployerError) as caught:
            play.engine.preview()
        assert caught.value.what.splitlines() == ["too small", "too old", "too small", "too old"]
        assert caught.value.remedy.splitlines() == ["buy a larger one", "upgrade"]


class TestActing:
    def test_change_is_made_and_proved(self, here: Bed) -> None:
        """After a change the host is asked again; the run ends with a plan that is empty."""
        play = Play(here, wants(here.root / "file", "yes"))
        play.apply()
        assert (here.root / "file").read_text() == "yes\n"
        assert play.verdicts() == ["changed"]
        surveys = sum(str(here.root / "file") in script and "done" in script for script in play.transport.scripts)
        assert surveys == 3, "before, after the step, and once more at the end"

    def test_later_steps_see_what_earlier_ones_did(self, here: Bed) -> None:
        """A step whose desired state an earlier one brought about does nothing."""
        play = Play(here, wants(here.root / "file", "yes"), wants(here.root / "file", "yes", "again"))
        play.apply()
        assert play.verdicts() == ["changed", "unchanged"]

    def test_audit_line(self, here: Bed) -> None:
        """A run that changed something leaves one line: who, what, how it ended."""
        Play(here, wants(here.root / "file", "yes")).apply()
        (line,) = audit(here)
        assert line["run"] == {
            "who": "ada@laptop",
            "command": "provision",
            "since": "2026-01-01T00:00:00Z",
            "result": "done",
        }
        assert line["changed"] == 1

    def test_not_converged(self, here: Bed) -> None:
        """A change that does not bring the host to what was wanted is an error, not a success."""
        error = Play(here, always(Script("try in vain", "true"))).fails_with(DeployerError)
        assert error.what == "applied, but the host still differs: try in vain"
        assert error.exit_code == 1

    def test_later_step_that_undoes_an_earlier_one(self, here: Bed) -> None:
        """Two steps that fight each other are found out by the survey at the end."""
        file = here.root / "file"
        error = Play(here, wants(file, "yes"), wants(file, "no", "other")).fails_with(DeployerError)
        assert error.what == "applied, but the host still differs: write yes"

    def test_problem_before_the_first_change(self, here: Bed) -> None:
        """A problem is found before anything is changed, also when the last step has it."""

        def stop(facts: Facts) -> Iterator[Change | Note]:
            raise Stop(Note("disk full", "clean up"))
            yield

        error = Play(here, wants(here.root / "file", "yes"), Scripted("last", {}, stop)).fails_with(DeployerError)
        assert (error.what, error.remedy) == ("disk full", "clean up")
        assert not (here.root / "file").exists()


def test_names_are_resolved_meanwhile(here: Bed) -> None:
    """A name server's answer reaches the step that asked for it, together with those of the host."""
    asked = Resolve("example.com")

    class Step:
        TITLE = "names"

        def probes(self, host: object) -> dict[str, Resolve]:
            return {"name": asked}

        def plan(self, host: object, facts: Facts) -> Iterator[Change | Note]:
            yield Note(facts["name"])

    report = Recorder()
    operator = RunContext(lambda asked: {asked[0]: Answer("1.2.3.4")}, report, Verdicts())
    Engine(here.host, here.transport(), (Step(),), operator).preview()
    assert report.steps[0].notes == (ShownNote("1.2.3.4"),)
