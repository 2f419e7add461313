"""A backup beside `tar | zstd` of the same files, in turns; its memory; and what visitors feel of it."""

import json
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.host import TestHost
from tests.support.releasing import API, visitor_of
from tests.support.tool import Deployment

ROOT = "/opt/biometric-did"
REPEATS = 3
PAUSE = 0.02
"""Seconds between two requests of the visitor."""
QUIET_SECONDS = 20
LIMIT = 600

MAKE = """
import os, pathlib, random, shutil, sys
top, kind, megabytes = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
shutil.rmtree(top, ignore_errors=True)
top.mkdir()
def line(): return b'{"id": "%s", "key": "visitor-%d", "value": {"score": 0.%d, "at": "T%02d:%02d:00Z"}}\\n' % (
    os.urandom(16).hex().encode(), *(int.from_bytes(os.urandom(3), 'big') for _ in range(2)), *(os.urandom(2)))
pieces = [b''.join(line() for _ in range(600)) for _ in range(300)]  # more than zstd looks back
def piece(): return random.choice(pieces)
def text(size): return b''.join(piece() for _ in range(size // len(pieces[0]) + 1))[:size]
digits = bytes(ord('0') + byte % 10 for byte in range(256))
files = {
    'text': lambda: (text(size) for size in (9 * [8_000_000] + 80 * [100_000]) * (megabytes // 80)),
    'random': lambda: (os.urandom(1_000_000) for _ in range(megabytes)),
    'digits': lambda: (os.urandom(1_000_000).translate(digits) for _ in range(megabytes)),
    'small files': lambda: (text(20_000) for _ in range(megabytes * 50)),
}
for number, content in enumerate(files[kind]()): (top / f'file-{number}').write_bytes(content)
"""
CONTENTS = (("text", 240), ("text", 2000), ("random", 500), ("digits", 600), ("small files", 40))
"""What is backed up, and megabytes of it."""

TIMED = """
import json, resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.run(['bash', '-o', 'pipefail', '-c', sys.argv[1]], stdout=subprocess.DEVNULL).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({'code': code, 'seconds': time.monotonic() - began, 'kilobytes': peak}))
"""


@dataclass(frozen=True)
class Ran:
    """Seconds, and the memory of the largest process in kB."""

    seconds: float
    kilobytes: int


def measure(ready: Deployment, scratch: Path) -> None:
    """Print the figures of this provisioned host."""
    for kind, megabytes in CONTENTS:
        fill(ready.host, kind, megabytes)
        _compare_with_tar(ready.host, f"{megabytes:5} MB of {kind:11}")
    _felt(ready, scratch)


def fill(host: TestHost, kind: str, megabytes: int) -> None:
    """Replace what an earlier call made."""
    _python(host, MAKE, f"{ROOT}/data/bench", kind, str(megabytes))


def _compare_with_tar(host: TestHost, what: str) -> None:
    plain = f"tar -C {ROOT} -cf - data logs | zstd -q >/backups/plain.tar.zst; sync /backups/plain.tar.zst"
    pairs = [(_timed(host, plain), _timed(host, f"{ROOT}/.deployer/bin/backup")) for _ in range(REPEATS)]
    theirs, ours = (statistics.median(ran.seconds for ran in column) for column in zip(*pairs, strict=True))
    peak = max(ran.kilobytes for _, ran in pairs)
    print(
        f"{what}   tar | zstd {theirs:6.2f} s   backup, verified {ours:6.2f} s   "
        f"throughput {theirs / ours:.2f} of it   largest process {peak / 1000:.0f} MB"
    )


def _timed(host: TestHost, command: str) -> Ran:
    ran = json.loads(_python(host, TIMED, command))
    assert ran["code"] == 0, ran
    return Ran(ran["seconds"], ran["kilobytes"])


def _python(host: TestHost, program: str, *words: str) -> str:
    return host.exec(("python3", "-c", program, *words), seconds=LIMIT).stdout


def _felt(ready: Deployment, scratch: Path) -> None:
    """The latency of a visitor without a backup and during one."""
    quiet = _latencies(ready, scratch, lambda: time.sleep(QUIET_SECONDS))
    during = _latencies(ready, scratch, lambda: ready.ok("backup", limit=LIMIT))
    print(
        f"a visitor's p99: {_p99(quiet):.1f} ms without a backup ({len(quiet)} requests), {_p99(during):.1f} ms "
        f"during one ({len(during)} requests, the longest {max(during) * 1000:.0f} ms)"
    )


def _latencies(ready: Deployment, scratch: Path, meanwhile: Callable[[], object]) -> list[float]:
    """Seconds of each request while something is done."""
    visitor, ended, found = visitor_of(ready, scratch), threading.Event(), list[float]()

    def visit() -> None:
        while not ended.wait(PAUSE):
            began = time.monotonic()
            assert visitor.ask(API, "/api/instance").status == 200
            found.append(time.monotonic() - began)

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        meanwhile()
    finally:
        ended.set()
        thread.join(LIMIT)
    return found


def _p99(seconds: list[float]) -> float:
    """Milliseconds."""
    return statistics.quantiles(seconds, n=100)[98] * 1000
