"""The unit in which a restore runs: it holds the lock as well, and goes on without the process that started it.

When its main process is killed, so are its children (KillMode=mixed), and what was begun is undone by ExecStopPost. A
shutdown waits for its end.
"""

import os
import time
from tempfile import TemporaryFile
from typing import IO

from deployer.remote import output, signals
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.lock import DESCRIPTOR
from deployer.remote.process import PAUSE, PIECE, run, running
from deployer.remote.release.rollout import mark_critical
from deployer.remote.restore.journal import PROGRAM, SERVING, Journal
from deployer.remote.restore.recover import recover, undoing
from deployer.remote.restore.swap_in import swap_in
from deployer.remote.stopping_points import VARIABLE, reached
from deployer.remote.waiting import await_true

PYTHON = ("/usr/bin/python3", "-I", "-X", "utf8")
SECONDS = 7200.0
"""Until it has ended. It goes on when the process that waits for it is killed."""
QUESTION_SECONDS = 30.0
VOLATILE = "/run"
"""For what it prints: a full disk does not stop it."""
PROPERTIES = ("After=docker.service", "KillMode=mixed", "TimeoutStopSec=900")
ENDED = ("inactive", "failed")


def in_unit(host: Host) -> None:
    """Run the swap, which was unpacked. Raises Failure: exit code 4 or 1 where it was undone, 5 where that failed."""
    mark_critical()
    journal = Journal.of(host.config)
    journal.keep_program(host.config)
    with signals.ignored():
        reached("the unit is to start")
        code = _run(host, journal)
    if journal.phase == SERVING:
        return
    found = journal.exit_code
    raise Failure("the restore failed", exit_code=code if found is None else found)


def _run(host: Host, journal: Journal) -> int:
    unit = f"deployer-{host.config.name}-restore"
    program = (*PYTHON, str(journal.directory / PROGRAM), "restore")
    properties = (*PROPERTIES, f"ExecStopPost=-{' '.join((*program, 'recover'))}")
    words = (
        *("systemd-run", "--quiet", "--collect", "--wait", "--pipe", f"--unit={unit}"),
        *(f"--property={each}" for each in properties),
        *((f"--setenv={VARIABLE}={os.environ[VARIABLE]}",) if VARIABLE in os.environ else ()),
        *(*program, "swap"),
    )
    run("systemctl", "reset-failed", f"{unit}.service", limit=QUESTION_SECONDS)
    with TemporaryFile(dir=VOLATILE) as printed, open(DESCRIPTOR, "rb", closefd=False) as lock:
        done = 0
        with running(*words, limit=SECONDS, stdin=lock, into=printed, together=True) as process:
            while process.poll() is None:
                done = _pass_on(printed, done)
                time.sleep(PAUSE)
        await_true(lambda: _has_ended(unit), SECONDS)
        _pass_on(printed, done)
    return process.returncode or 1


def _pass_on(printed: IO[bytes], done: int) -> int:
    """What it has printed after so many bytes, as it is: its secrets are masked. The file's position is the unit's."""
    while data := os.pread(printed.fileno(), PIECE, done):
        done += len(data)
        output.pass_on(data)
    return done


def _has_ended(unit: str) -> bool:
    shown = run("systemctl", "show", "--property=ActiveState", "--value", f"{unit}.service", limit=QUESTION_SECONDS)
    return shown.text.strip() in ENDED


def swap(host: Host) -> None:
    """The main process of the unit, whose standard input is the lock. Raises Failure where it was undone."""
    _inherit_lock()
    with undoing(host) as journal:
        try:
            swap_in(host, journal)
        except Failure as failure:
            output.say(str(failure))
            recover(host, journal)
            raise Failure("nothing was replaced", failure.exit_code) from failure


def undo(host: Host) -> None:
    """What the unit runs when it ends: nothing is left to do after a swap that came to its end."""
    _inherit_lock()
    with undoing(host) as journal:
        recover(host, journal)


def _inherit_lock() -> None:
    os.dup2(0, DESCRIPTOR, inheritable=True)
