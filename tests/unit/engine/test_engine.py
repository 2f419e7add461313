"""The engine with the real session, runner and follower on this machine: looking, acting, failing, being broken off."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import pytest

from deployer.engine.changes import Change, File, Gate, Note, OutsideCheck, Script, SecondLogin, Stop, WriteFiles
from deployer.engine.engine import Engine, RunContext
from deployer.engine.executor import Outside, not_looked_at
from deployer.engine.facts import Answer, Facts, Resolve
from deployer.engine.job import Job
from deployer.engine.lock import LockOwner
from deployer.engine.session import Session
from deployer.errors import DeployerError, GateFailed, Interrupted, LockHeld, RollbackFailed
from deployer.output.report import ShownNote, Verdicts
from deployer.secret import Secret
from tests.support.fakes import IS_ROOT, Bed, Recorder, Scripted, ThisMachine, bed, kept

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the scripts run as root, as on a host")

HOLDER = LockOwner("ada@laptop", "provision", "2026-01-01T00:00:00Z")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Bed]:
    with bed(tmp_path) as made:
        yield made


class Play:
    """One run of some steps on one bed."""

    def __init__(
        self,
        here: Bed,
        *steps: Scripted,
        on_line: Callable[[str], None] = lambda text: None,
        outside: Outside = not_looked_at,
    ) -> None:
        self.transport, self.report = here.transport(), Recorder(on_line=on_line)
        operator = RunContext(lambda asked: {}, self.report, Verdicts(), outside)
        self.engine = Engine(here.host, self.transport, steps, operator)

    def apply(self, wait: int = 0) -> None:
        self.engine.apply(HOLDER, wait=wait)

    def fails_with(self, kind: type[DeployerError]) -> DeployerError:
        with pytest.raises(DeployerError) as caught:
            self.apply()
        assert type(caught.value) is kind
        return caught.value

    def verdicts(self) -> list[str]:
        return [step.verdict for step in self.report.steps]


def says(path: Path, word: str, title: str = "a file") -> Scripted:
    """A step that wants a word in a file."""

    def wanted(facts: Facts) -> Iterator[Change | Note]:
        if facts["word"] != word:
            yield Script(f"write {word}", f"echo {word} >{path}; echo wrote {word}")

    return Scripted(title, {"word": f"cat {path} 2>/dev/null || true"}, wanted)


def always(*changes: Change | Note) -> Scripted:
    return Scripted("always", {}, kept(changes))


def audit(here: Bed) -> list[dict[str, object]]:
    log = here.root / ".deployer" / "audit.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


class TestNothingToDo:
    def test_one_channel(self, here: Bed) -> None:
        """A run with nothing to do opens one channel: lock, survey and farewell travel in it."""
        (here.root / "file").write_text("yes\n")
        play = Play(here, says(here.root / "file", "yes"), says(here.root / "file", "yes", "again"))
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
        step = says(here.root / "file", "yes")
        play = Play(here, step, step)
        play.engine.look()
        assert play.transport.scripts[0].count(f"cat {here.root / 'file'}") == 1


class TestLooking:
    def test_preview_writes_nothing(self, here: Bed) -> None:
        """A dry run takes no lock and changes nothing; it tells what a run would do."""
        play = Play(here, says(here.root / "file", "yes"))
        plans = play.engine.preview()
        assert [change.why for change in plans[0].changes if isinstance(change, Script)] == ["write yes"]
        assert list(here.root.iterdir()) == []
        assert not Path(f"/run/lock/deployer-{here.host.name}.lock").exists()
        assert play.verdicts() == ["would change"]

    def test_preview_tells_what_a_run_does(self, here: Bed) -> None:
        """The list of a dry run is the list of the run."""
        step = says(here.root / "file", "yes")
        foreseen = Play(here, step)
        foreseen.engine.preview()
        play = Play(here, step)
        play.apply()
        assert play.report.steps[0].changes == foreseen.report.steps[0].changes

    def test_unknown_is_not_absent(self, here: Bed) -> None:
        """A fact that the host cannot tell makes the step unknown, with the host's own words."""

        def wanted(facts: Facts) -> Iterator[Change | Note]:
            yield Note(facts["broken"])

        play = Play(here, Scripted("dark", {"broken": "echo no idea >&2; exit 3"}, wanted))
        play.engine.preview()
        assert play.verdicts() == ["unknown"]
        assert play.report.steps[0].reason == "no idea"

    def test_problems_are_all_told(self, here: Bed) -> None:
        """What stands in the way of several steps is told at once, with each remedy."""

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
        play = Play(here, says(here.root / "file", "yes"))
        play.apply()
        assert (here.root / "file").read_text() == "yes\n"
        assert play.verdicts() == ["changed"]
        surveys = sum(str(here.root / "file") in script and "done" in script for script in play.transport.scripts)
        assert surveys == 3, "before, after the step, and once more at the end"

    def test_later_steps_see_what_earlier_ones_did(self, here: Bed) -> None:
        """A step that finds its wish fulfilled by an earlier one does nothing."""
        play = Play(here, says(here.root / "file", "yes"), says(here.root / "file", "yes", "again"))
        play.apply()
        assert play.verdicts() == ["changed", "unchanged"]

    def test_says_each_change_as_it_begins(self, here: Bed) -> None:
        """Whoever watches sees why each change is made, and what it prints."""
        play = Play(here, says(here.root / "one", "yes"), says(here.root / "two", "no"))
        play.apply()
        assert play.report.begun == ["write yes", "write no"]
        assert play.report.lines == ["wrote yes", "wrote no"]

    def test_audit_line(self, here: Bed) -> None:
        """A run that changed something leaves one line: who, what, how it ended."""
        Play(here, says(here.root / "file", "yes")).apply()
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
        error = Play(here, says(file, "yes"), says(file, "no", "other")).fails_with(DeployerError)
        assert error.what == "applied, but the host still differs: write yes"

    def test_problem_before_the_first_change(self, here: Bed) -> None:
        """What can never be mended is found before anything is changed, also when it stands last."""

        def stop(facts: Facts) -> Iterator[Change | Note]:
            raise Stop(Note("no room", "clean up"))
            yield

        error = Play(here, says(here.root / "file", "yes"), Scripted("last", {}, stop)).fails_with(DeployerError)
        assert (error.what, error.remedy) == ("no room", "clean up")
        assert not (here.root / "file").exists()

    def test_payload(self, here: Bed) -> None:
        """A secret reaches the script as a file, never as text of it, and nothing of it stays behind."""
        kept_at = here.root / "kept"

        def wanted(facts: Facts) -> Iterator[Change | Note]:
            if not facts["there"]:
                yield Script(
                    "keep it", f'stat -c %a "$PAYLOAD"; cp "$PAYLOAD" {kept_at}', payload=Secret("hunter2-hunter2")
                )

        play = Play(here, Scripted("secret", {"there": f"cat {kept_at} 2>/dev/null || true"}, wanted))
        play.apply()
        assert kept_at.read_text() == "hunter2-hunter2"
        assert play.report.lines == ["600"]
        assert not any("hunter2" in script for script in play.transport.scripts)
        assert not any(
            b"hunter2" in file.read_bytes()
            for file in Path(f"/run/deployer/{here.host.name}").rglob("*")
            if file.is_file()
        )

    def test_output_is_masked(self, here: Bed) -> None:
        """A secret of .env that a container or command prints does not leave the host."""
        (here.root / ".env").write_text("API_SECRET_KEY='it\\'s-a-$ecret/with&all'\nDOMAIN=example.com\n")
        step = always(Script("talk", """printf '%s\\n' "key: it's-a-\\$ecret/with&all." example.com; exit 1"""))
        play = Play(here, step)
        error = play.fails_with(DeployerError)
        assert play.report.lines == ["key: [secret].", "example.com"]
        assert "ecret/with" not in error.context.output

    def test_notes_are_those_of_the_new_plan(self, here: Bed) -> None:
        """What a step had to say before it acted may have been settled by it: what is told is what holds now."""
        file = here.root / "file"

        def wanted(facts: Facts) -> Iterator[Change | Note]:
            yield Note(f"the file says {facts['word'] or 'nothing'}")
            if facts["word"] != "yes":
                yield Script("write yes", f"echo yes >{file}")

        play = Play(here, Scripted("noting", {"word": f"cat {file} 2>/dev/null || true"}, wanted))
        play.apply()
        assert play.report.steps[0].notes == (ShownNote("the file says yes"),)
        assert [change.why for change in play.report.steps[0].changes] == ["write yes"]

    def test_parts_are_told(self, here: Bed) -> None:
        """The seconds of a script's parts: for people as one line, for programs by name."""
        marks = r"printf '\036part start 1.50\n\036part health 0.26\n'"
        play = Play(here, always(Script("roll", f"{marks}; exit 1")))
        play.fails_with(DeployerError)
        (told,) = play.report.told
        fields: dict[str, object] = {"step": "Scripted", "parts": {"start": 1.5, "health": 0.26}}
        assert told == ("parts", fields, "              start 1.5 s · health 0.3 s")

    def test_scripts_know_who_runs_them(self, here: Bed) -> None:
        """The lock's holder, for a line in a log."""
        play = Play(here, always(Script("ask", f"cat /run/deployer/{here.host.name}/holder; exit 1")))
        play.fails_with(DeployerError)
        assert json.loads(play.report.lines[0]) == {
            "who": "ada@laptop",
            "command": "provision",
            "since": "2026-01-01T00:00:00Z",
        }


class Site:
    """What is seen from outside, look after look; the last one lasts."""

    def __init__(self, *looks: dict[str, str]) -> None:
        self.looks, self.times = looks, 0

    def __call__(self) -> dict[str, str]:
        self.times += 1
        return self.looks[min(self.times, len(self.looks)) - 1]


class TestFromOutside:
    def step(self, here: Bed, undo: str = "exit 4") -> Scripted:
        """Switches, has a look, and cleans up what served before."""
        log = here.root / "log"
        changes = (
            Script("switch", f"echo switched >>{log}"),
            OutsideCheck("look at it", f"echo back >>{log}; {undo}"),
            Script("clean up", f"echo cleaned >>{log}"),
        )
        return Scripted("release", {"done": f"cat {log} 2>/dev/null || true"}, _until(changes))

    def log(self, here: Bed) -> list[str]:
        return (here.root / "log").read_text().split()

    def test_well(self, here: Bed) -> None:
        """Where nothing is worse it goes on; looked at before the first change, and between the jobs."""
        site = Site({}, {})
        play = Play(here, self.step(here), outside=site)
        play.apply()
        assert self.log(here) == ["switched", "cleaned"]
        assert site.times == 2
        assert play.verdicts() == ["changed"]
        assert play.report.begun == ["switch", "look at it", "clean up"]

    def test_worse(self, here: Bed) -> None:
        """The way back is walked, nothing of what served before is cleaned up: exit 4, with what was seen."""
        play = Play(here, self.step(here), outside=Site({}, {"page": "502", "api": "no answer"}))
        error = play.fails_with(GateFailed)
        assert self.log(here) == ["switched", "back"]
        assert error.exit_code == 4
        assert error.what == "page: 502; api: no answer; the former state serves"
        assert error.context.step == "release"
        assert play.verdicts() == ["failed"]
        assert here.lock_is_free()
        assert "failed: page: 502" in json.dumps(audit(here))

    def test_was_wrong_before(self, here: Bed) -> None:
        """A fault that the step found is not held against it, also when it looks a little different now."""
        play = Play(here, self.step(here), outside=Site({"headers": "none"}, {"headers": "one of two"}))
        play.apply()
        assert self.log(here) == ["switched", "cleaned"]

    def test_only_what_is_worse_is_told(self, here: Bed) -> None:
        """Of two faults the one that the step brought."""
        site = Site({"headers": "none"}, {"headers": "none", "page": "502"})
        error = Play(here, self.step(here), outside=site).fails_with(GateFailed)
        assert error.what == "page: 502; the former state serves"

    @pytest.mark.parametrize("undo", ["exit 5", "exit 1", "true"])
    def test_way_back_fails(self, here: Bed, undo: str) -> None:
        """Whatever the way back ends with but 4: nobody knows what serves, a person is needed, exit 5."""
        error = Play(here, self.step(here, undo), outside=Site({}, {"page": "502"})).fails_with(RollbackFailed)
        assert error.exit_code == 5
        assert error.what == "page: 502; going back failed too"
        assert "a person is needed" in error.remedy

    def test_way_back_is_not_broken_off(self, here: Bed) -> None:
        """Ctrl-C waits for it."""
        step = self.step(here, f"echo going; sleep 1; echo there >>{here.root / 'log'}; exit 4")
        play = Play(here, step, outside=Site({}, {"page": "502"}), on_line=_break_off("going"))
        play.fails_with(Interrupted)
        assert self.log(here) == ["switched", "back", "there"]

    def test_job_that_fails_before(self, here: Bed) -> None:
        """What fails before the look is no matter of the look."""
        site = Site({})
        step = always(Script("switch", "exit 4"), OutsideCheck("look at it", "true"))
        Play(here, step, outside=site).fails_with(GateFailed)
        assert site.times == 1

    def test_steps_that_do_not_look(self, here: Bed) -> None:
        """Nobody is asked from outside for them."""
        site = Site({"page": "502"})
        Play(here, says(here.root / "file", "yes"), outside=site).apply()
        assert site.times == 0

    def test_nothing_is_seen_in_a_dry_run(self, here: Bed) -> None:
        """It is one of the changes that are shown."""
        site = Site({})
        play = Play(here, self.step(here), outside=site)
        (planned,) = play.engine.preview()
        assert [change.why for change in planned.changes] == ["switch", "look at it", "clean up"]
        assert site.times == 0


class TestSecondLogin:
    def test_is_a_connection_of_its_own(self, here: Bed) -> None:
        """It is made between the changes before and after it, over another connection."""
        log = here.root / "log"
        steps = (Script("one", f"echo one >>{log}"), SecondLogin("come in again", f"echo login >>{log}"))
        play = Play(here, Scripted("login", {"done": f"cat {log} 2>/dev/null || true"}, _until(steps)))
        play.apply()
        assert log.read_text() == "one\nlogin\n"
        assert len(play.transport.second_logins) == 1

    def test_refused(self, here: Bed) -> None:
        """Where nobody gets in a second time the run fails and says so."""
        play = Play(here, always(SecondLogin("come in again", "exit 1")))
        assert play.fails_with(DeployerError).what == "come in again: refused"
        assert play.verdicts() == ["failed"]


def _until(changes: tuple[Change, ...]) -> Callable[[Facts], Iterator[Change | Note]]:
    return lambda facts: iter(() if facts["done"] else changes)


class TestFailing:
    def test_undone_in_reverse(self, here: Bed) -> None:
        """A gate that fails takes back what came before it, last first: exit 4, the former state serves."""
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
        assert error.what == "it answers: failed; the former state serves"
        assert error.context.output.splitlines()[:2] == ["no answer", "because of the wind"]

    def test_failing_change_is_taken_back_too(self, here: Bed) -> None:
        """A change that broke off half-way is undone as well; without a gate the exit code is 1."""
        log = here.root / "log"
        step = always(Script("half", f"echo half >>{log}; false; echo whole >>{log}", undo=f"echo undone >>{log}"))
        error = Play(here, step).fails_with(DeployerError)
        assert log.read_text().split() == ["half", "undone"]
        assert (error.exit_code, error.context.exit_code) == (1, 1)

    def test_way_back_fails(self, here: Bed) -> None:
        """A person is needed, exit 5; the other changes are taken back all the same."""
        log = here.root / "log"
        step = always(
            Script("one", "true", undo=f"echo -1 >>{log}"),
            Script("two", "true", undo="exit 1"),
            Script("three", "exit 1"),
        )
        error = Play(here, step).fails_with(RollbackFailed)
        assert error.exit_code == 5
        assert log.read_text().split() == ["-1"]

    def test_script_that_says_the_former_state_serves(self, here: Bed) -> None:
        """Exit code 4 of a change is the tool's own exit code 4."""
        assert Play(here, always(Script("roll", "exit 4"))).fails_with(GateFailed).exit_code == 4

    def test_error_holds_the_last_lines(self, here: Bed) -> None:
        """The message names the change, the section and what was said last; the lock is free."""
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
        """Where the check refuses the new files the old ones stand, the same inode even."""
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


class TestLock:
    def test_held(self, here: Bed) -> None:
        """A second run is refused at once and is told who, what and since when: exit 6."""
        other = _session(here)
        try:
            play = Play(here, says(here.root / "file", "yes"))
            error = play.fails_with(LockHeld)
        finally:
            other.end()
        assert error.exit_code == 6
        assert error.what == ("another run holds the lock: grace@desk, running 'update' since 2026-02-02T00:00:00Z")
        assert not (here.root / "file").exists()

    def test_waited_for(self, here: Bed) -> None:
        """With --wait the run begins as soon as the other one ends."""
        other = _session(here)
        timer = threading.Timer(1, other.end)
        timer.start()
        play = Play(here, says(here.root / "file", "yes"))
        play.apply(wait=20)
        timer.join()
        assert play.verdicts() == ["changed"]
        assert play.report.lines[0].startswith("waiting: the lock is held by grace@desk")

    def test_left_over_job(self, here: Bed) -> None:
        """A job outlives its connection, keeps the lock, and the next run waits for it and says for what."""
        transport, log = here.transport(), here.root / "log"
        other = _session(here, transport)
        job = Job("4. Something long", (Script("work", f"sleep 1.5; echo whole >{log}"),), here.host.paths.env)
        follower = threading.Thread(target=other.do, args=(job, lambda why: None, lambda line: None))
        follower.start()
        _wait_for(lambda: bool(list(Path(f"/run/deployer/{here.host.name}").glob("*/running"))))
        transport.conversations[0].close()
        play = Play(here, always())
        play.apply()
        follower.join()
        assert log.read_text() == "whole\n"
        assert play.report.lines[0] == "waiting for a job that an earlier run left working: 4. Something long"
        (line,) = audit(here)
        assert line["run"] == {**asdict(_GRACE), "result": "connection lost"}
        assert line["changed"] is None


_GRACE = LockOwner("grace@desk", "update", "2026-02-02T00:00:00Z")


def _session(here: Bed, transport: ThisMachine | None = None) -> Session:
    return Session.start(transport or here.transport(), here.host, _GRACE, wait=0, survey="echo", say=lambda text: None)


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _break_off(word: str) -> Callable[[str], None]:
    """Ctrl-C at the moment a line is shown."""

    def on_line(text: str) -> None:
        if text == word:
            raise KeyboardInterrupt

    return on_line


class TestInterrupted:
    def test_job_is_stopped(self, here: Bed) -> None:
        """Ctrl-C ends the job on the host, frees the lock, leaves a line, and says how to go on: exit 130."""
        pid, after = here.root / "pid", here.root / "after"
        step = always(Script("work", f"echo $$ >{pid}; echo working; sleep 60; echo whole >{after}"))
        error = Play(here, step, on_line=_break_off("working")).fails_with(Interrupted)
        assert error.exit_code == 130
        assert "run the same command again" in error.remedy
        _wait_for(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())
        assert not after.exists()
        assert here.lock_is_free()
        assert "interrupted" in json.dumps(audit(here))

    def test_critical_job_is_waited_for(self, here: Bed) -> None:
        """What must not stop half-way goes on to its end before the tool does."""
        after = here.root / "after"
        step = always(Script("switch", f"echo working; sleep 1.5; echo whole >{after}", critical=True))
        Play(here, step, on_line=_break_off("working")).fails_with(Interrupted)
        assert after.read_text() == "whole\n"
        assert here.lock_is_free()

    def test_next_run_goes_on(self, here: Bed) -> None:
        """After an interruption the same command converges the host."""
        file = here.root / "file"
        slow = Scripted(
            "slow",
            {"word": f"cat {file} 2>/dev/null || true"},
            lambda facts: iter(() if facts["word"] else (Script("work", f"echo working; sleep 2; echo yes >{file}"),)),
        )
        Play(here, slow, on_line=_break_off("working")).fails_with(Interrupted)
        play = Play(here, slow)
        play.apply()
        assert play.verdicts() == ["changed"]


def test_names_are_resolved_meanwhile(here: Bed) -> None:
    """A name server's answer reaches the step that asked for it, beside those of the host."""
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
