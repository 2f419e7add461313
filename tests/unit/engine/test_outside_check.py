"""Steps that check the site from outside, and log in a second time, between their jobs."""

import json

import pytest

from deployer.engine.changes import OutsideCheck, Script, SecondLogin
from deployer.errors import DeployerError, GateFailed, Interrupted, RollbackFailed
from tests.support.fakes import Bed, Scripted

from .play import Play, always, audit, interrupt_at, needs_root, until_done, wants

pytestmark = needs_root


class Site:
    """What the checks from outside find, one time after the other; the last finding stays."""

    def __init__(self, *looks: dict[str, str]) -> None:
        self.looks, self.times = looks, 0

    def __call__(self) -> dict[str, str]:
        self.times += 1
        return self.looks[min(self.times, len(self.looks)) - 1]


class TestOutsideCheck:
    def step(self, here: Bed, undo: str = "exit 4") -> Scripted:
        """Switches, checks from outside, and cleans up the previous release."""
        log = here.root / "log"
        changes = (
            Script("switch", f"echo switched >>{log}"),
            OutsideCheck("look at it", f"echo back >>{log}; {undo}"),
            Script("clean up", f"echo cleaned >>{log}"),
        )
        return Scripted("release", {"done": f"cat {log} 2>/dev/null || true"}, until_done(changes))

    def log(self, here: Bed) -> list[str]:
        return (here.root / "log").read_text().split()

    def test_well(self, here: Bed) -> None:
        """Where no check got worse the step continues; checks run before the first change and between the jobs."""
        site = Site({}, {})
        play = Play(here, self.step(here), outside=site)
        play.apply()
        assert self.log(here) == ["switched", "cleaned"]
        assert site.times == 2
        assert play.verdicts() == ["changed"]
        assert play.report.begun == ["switch", "look at it", "clean up"]

    def test_worse(self, here: Bed) -> None:
        """The step is rolled back and the previous release is not cleaned up: exit 4, with what was seen."""
        play = Play(here, self.step(here), outside=Site({}, {"page": "502", "api": "no answer"}))
        error = play.fails_with(GateFailed)
        assert self.log(here) == ["switched", "back"]
        assert error.exit_code == 4
        assert error.what == "page: 502; api: no answer; the previous release is still serving"
        assert error.context.step == "release"
        assert play.verdicts() == ["failed"]
        assert here.lock_is_free()
        assert "failed: page: 502" in json.dumps(audit(here))

    def test_was_wrong_before(self, here: Bed) -> None:
        """A check that failed before the step does not count, also when its finding differs now."""
        play = Play(here, self.step(here), outside=Site({"headers": "none"}, {"headers": "one of two"}))
        play.apply()
        assert self.log(here) == ["switched", "cleaned"]
        (note,) = [fields["text"] for event, fields, _ in play.report.told if event == "note"]
        assert note == "the site is no worse than before, and not well: headers: one of two"

    def test_only_what_got_worse_is_reported(self, here: Bed) -> None:
        """Of two failed checks only the one that passed before is reported."""
        site = Site({"headers": "none"}, {"headers": "none", "page": "502"})
        error = Play(here, self.step(here), outside=site).fails_with(GateFailed)
        assert error.what == "page: 502; the previous release is still serving"

    @pytest.mark.parametrize("undo", ["exit 5", "exit 1", "true"])
    def test_rollback_fails(self, here: Bed, undo: str) -> None:
        """A rollback that ends with anything but 4 needs manual intervention: exit 5."""
        error = Play(here, self.step(here, undo), outside=Site({}, {"page": "502"})).fails_with(RollbackFailed)
        assert error.exit_code == 5
        assert error.what == "page: 502; the rollback failed too"
        assert "manual intervention is required" in error.remedy

    def test_rollback_is_not_interrupted(self, here: Bed) -> None:
        """Ctrl-C waits for the rollback."""
        step = self.step(here, f"echo going; sleep 1; echo there >>{here.root / 'log'}; exit 4")
        play = Play(here, step, outside=Site({}, {"page": "502"}), on_line=interrupt_at("going"))
        play.fails_with(Interrupted)
        assert self.log(here) == ["switched", "back", "there"]

    def test_job_that_fails_before(self, here: Bed) -> None:
        """A job that fails before the check is not checked from outside."""
        site = Site({})
        step = always(Script("switch", "exit 4"), OutsideCheck("look at it", "true"))
        Play(here, step, outside=site).fails_with(GateFailed)
        assert site.times == 1

    def test_steps_that_do_not_look(self, here: Bed) -> None:
        """A step without an OutsideCheck runs none."""
        site = Site({"page": "502"})
        Play(here, wants(here.root / "file", "yes"), outside=site).apply()
        assert site.times == 0

    def test_nothing_is_seen_in_a_dry_run(self, here: Bed) -> None:
        """A dry run lists the check as a change, and does not run it."""
        site = Site({})
        play = Play(here, self.step(here), outside=site)
        (planned,) = play.engine.preview()
        assert [change.why for change in planned.changes] == ["switch", "look at it", "clean up"]
        assert site.times == 0


class TestSecondLogin:
    def test_is_a_connection_of_its_own(self, here: Bed) -> None:
        """The login is made between the changes before and after it, over another connection."""
        log = here.root / "log"
        steps = (Script("one", f"echo one >>{log}"), SecondLogin("come in again", f"echo login >>{log}"))
        play = Play(here, Scripted("login", {"done": f"cat {log} 2>/dev/null || true"}, until_done(steps)))
        play.apply()
        assert log.read_text() == "one\nlogin\n"
        assert len(play.transport.second_logins) == 1

    def test_refused(self, here: Bed) -> None:
        """Where the second login fails the run fails and reports it."""
        play = Play(here, always(SecondLogin("come in again", "exit 1")))
        assert play.fails_with(DeployerError).what == "come in again: refused"
        assert play.verdicts() == ["failed"]
