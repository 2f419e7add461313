"""The lock between runs, and Ctrl-C."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from deployer.engine.changes import Script
from deployer.engine.job import Job
from deployer.engine.lock import LockOwner
from deployer.engine.session import Session
from deployer.errors import Interrupted, LockHeld
from tests.support.fakes import Bed, Scripted, ThisMachine

from .play import Play, always, audit, interrupt_at, needs_root, wants

pytestmark = needs_root


class TestLock:
    def test_held(self, here: Bed) -> None:
        """A second run is refused at once, with the owner, the command and the time: exit 6."""
        other = _session(here)
        try:
            play = Play(here, wants(here.root / "file", "yes"))
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
        play = Play(here, wants(here.root / "file", "yes"))
        play.apply(wait=20)
        timer.join()
        assert play.verdicts() == ["changed"]
        assert play.report.lines[0].startswith("waiting: the lock is held by grace@desk")

    def test_left_over_job(self, here: Bed) -> None:
        """A job outlives its connection and keeps the lock; the next run waits for it and names it."""
        transport, log = here.transport(), here.root / "log"
        other = _session(here, transport)
        job = Job("4. Something long", (Script("work", f"sleep 1.5; echo complete >{log}"),), here.host.paths.env)
        follower = threading.Thread(target=other.do, args=(job, lambda why: None, lambda line: None))
        follower.start()
        _wait_for(lambda: bool(list(Path(f"/run/deployer/{here.host.name}").glob("*/running"))))
        transport.conversations[0].close()
        play = Play(here, always())
        play.apply()
        follower.join()
        assert log.read_text() == "complete\n"
        assert play.report.lines[0] == "waiting for a job of an earlier run that is still running: 4. Something long"
        (line,) = audit(here)
        assert line["run"] == {**asdict(_GRACE), "result": "connection lost"}
        assert line["changed"] is None


_GRACE = LockOwner("grace@desk", "update", "2026-02-02T00:00:00Z")


def _session(here: Bed, transport: ThisMachine | None = None) -> Session:
    return Session.start(
        transport or here.transport(), here.host, _GRACE, wait=0, survey="echo", on_line=lambda text: None
    )


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


class TestInterrupted:
    def test_job_is_stopped(self, here: Bed) -> None:
        """Ctrl-C ends the job on the host, frees the lock, is audited, and has a remedy: exit 130."""
        pid, after = here.root / "pid", here.root / "after"
        step = always(Script("work", f"echo $$ >{pid}; echo working; sleep 60; echo complete >{after}"))
        error = Play(here, step, on_line=interrupt_at("working")).fails_with(Interrupted)
        assert error.exit_code == 130
        assert "run the same command again" in error.remedy
        _wait_for(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())
        assert not after.exists()
        assert here.lock_is_free()
        assert "interrupted" in json.dumps(audit(here))

    def test_critical_job_is_waited_for(self, here: Bed) -> None:
        """A critical job runs to its end before the tool ends."""
        after = here.root / "after"
        step = always(Script("switch", f"echo working; sleep 1.5; echo complete >{after}", critical=True))
        Play(here, step, on_line=interrupt_at("working")).fails_with(Interrupted)
        assert after.read_text() == "complete\n"
        assert here.lock_is_free()

    def test_next_run_continues(self, here: Bed) -> None:
        """After an interruption the same command converges the host."""
        file = here.root / "file"
        slow = Scripted(
            "slow",
            {"word": f"cat {file} 2>/dev/null || true"},
            lambda facts: iter(() if facts["word"] else (Script("work", f"echo working; sleep 2; echo yes >{file}"),)),
        )
        Play(here, slow, on_line=interrupt_at("working")).fails_with(Interrupted)
        play = Play(here, slow)
        play.apply()
        assert play.verdicts() == ["changed"]
