"""`drill [ID]`: test a backup; cron and `deployer drill` run the same. However it ends, the evidence is kept."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from deployer.remote import files, lock, output, signals
from deployer.remote.drill.copy import Copy
from deployer.remote.drill.rehearsal import Rehearsal
from deployer.remote.failure import FAILED, Failure
from deployer.remote.host import Host

NICE = 10
"""The application comes first."""
MODE = 0o644


def drill(host: Host, words: Sequence[str]) -> None:
    """Raises Failure where the backup does not pass; nothing of the copy is left."""
    began, copy = time.monotonic(), Copy(host)
    rehearsal, failure = Rehearsal(host, copy), None
    os.nice(NICE)
    try:
        rehearsal.run(words[0] if words else "")
    except Failure as caught:
        failure = caught
    with signals.ignored():
        reasons = [*_reason(failure), *_removed(copy)]
        seconds = round(time.monotonic() - began, 1)
        record(host, rehearsal, reasons, seconds)
    if reasons:
        code = failure.exit_code if failure and failure.was_interrupted else FAILED
        raise Failure(f"drill of {rehearsal.backup or 'a backup'} failed: {'; '.join(reasons)}", exit_code=code)
    output.say(f"drill passed: {rehearsal.backup}, {rehearsal.files} files, {seconds:.1f} s")


def _reason(failure: Failure | None) -> list[str]:
    if not failure:
        return []
    return ["it was interrupted" if failure.was_interrupted else " ".join(str(failure).split())]


def _removed(copy: Copy) -> list[str]:
    try:
        copy.remove()
    except Failure as failure:
        output.say(str(failure))
        return ["the copy could not be removed"]
    return []


def log(host: Host) -> Path:
    """A line of JSON for each drill."""
    return host.config.state / "drills.jsonl"


def record(host: Host, rehearsal: Rehearsal, reasons: Sequence[str], seconds: float) -> None:
    """Append the evidence."""
    line = {
        "time": output.now(),
        "backup": rehearsal.backup,
        "result": "failed" if reasons else "passed",
        "why": "; ".join(reasons),
        "seconds": seconds,
        "files": rehearsal.files,
        "check": rehearsal.check,
        "rows": rehearsal.rows,
        "who": lock.owner_of_lock(host.config),
    }
    try:
        files.append_line(log(host), json.dumps(line).encode() + b"\n", MODE)
    except Failure as failure:
        output.say(f"the evidence could not be written: {failure}")
