"""The lock of the host, for what cron starts; a verb that an operator's run starts uses the lock of that run.

flock(2) on an open file: the lock is free once the last process that has it open has ended, for whatever reason. The
file LOCK.holder describes its owner as engine/session.sh does: process and start time, a line of JSON, `here`.
"""

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deployer.remote import files, output
from deployer.remote.config import Config
from deployer.remote.failure import BUSY, ROLLBACK_FAILED, Failure
from deployer.remote.process import run
from deployer.remote.waiting import await_true

DIRECTORY = Path("/run/deployer")
"""Root's alone: in /run/lock anybody could hold a lock, or plant a link."""
DESCRIPTOR = 9
"""Where a job of an operator's run has the lock, and what cron starts too."""
SECONDS = 600.0
"""For which cron waits for a run to end."""
RECOVERY_SECONDS = 3600


@contextmanager
def as_cron(config: Config, doing: str) -> Iterator[None]:
    """Hold the lock, with the time before every line of output. Raises Failure where it is not to be had in time."""
    with output.with_times():
        if _is_inherited(config):
            yield
            return
        with _taken(config, doing):
            _recover_restore(config)
            yield


@contextmanager
def exclusive(path: Path, seconds: float, busy: str) -> Iterator[None]:
    """Hold another lock, on a file of root's. Raises Failure with `busy` where it is not to be had in that time."""
    with path.open("ab") as file:
        if not await_true(lambda: _try(file), seconds):
            raise Failure(busy)
        yield


def _file(config: Config) -> Path:
    return DIRECTORY / f"{config.name}.lock"


def _owner_file(config: Config) -> Path:
    return DIRECTORY / f"{config.name}.lock.holder"


def _is_inherited(config: Config) -> bool:
    """Whether the descriptor is this host's lock."""
    try:
        return os.path.samestat(os.fstat(DESCRIPTOR), _file(config).stat())
    except OSError:
        return False


@contextmanager
def _taken(config: Config, doing: str) -> Iterator[None]:
    DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    with _file(config).open("ab") as file:
        if not _try(file):
            output.say(f"waiting for the lock, at most {SECONDS:.0f} s; held by {_owner(config)}")
            if not await_true(lambda: _try(file), SECONDS):
                raise Failure(f"another run holds the lock: {doing} was skipped", exit_code=BUSY)
        os.dup2(file.fileno(), DESCRIPTOR, inheritable=True)
        try:
            _record_owner(config, doing)
            yield
        finally:
            _owner_file(config).unlink(missing_ok=True)
            os.close(DESCRIPTOR)


def owner_of_run(config: Config) -> str:
    """Who holds the lock: USER@MACHINE; empty where nobody does, or it is not known."""
    try:
        return str(json.loads(files.read(DIRECTORY / f"{config.name}/holder"))["who"])
    except (ValueError, KeyError, TypeError):
        return ""


def owner_of_lock(config: Config) -> str:
    """The same of whoever holds the lock now, which may be cron."""
    try:
        return str(json.loads(_owner(config))["who"])
    except (ValueError, KeyError, TypeError):
        return ""


def _try(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(config: Config) -> str:
    lines = _owner_file(config).read_text(errors="replace").splitlines() if _owner_file(config).exists() else []
    return lines[1] if len(lines) > 1 else "a process on this host"


def _record_owner(config: Config, doing: str) -> None:
    start_time = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    owner = {"who": f"cron@{socket.gethostname()}", "command": doing, "since": output.now()}
    _owner_file(config).write_text(f"{os.getpid()} {start_time}\n{json.dumps(owner)}\nhere\n")


def _recover_restore(config: Config) -> None:
    """Recover from an interrupted restore first: no program may build on a half-restored state."""
    journal = config.state / "restoring"
    program = journal / "program"
    if not program.exists():
        shutil.rmtree(journal, ignore_errors=True)  # it was not begun
        return
    ended = run("bash", "-u", str(program), "mend", limit=RECOVERY_SECONDS, apart=True)
    output.say(ended.all_text)
    if not ended.succeeded:
        raise Failure("the interrupted restore could not be recovered from", exit_code=ROLLBACK_FAILED)
