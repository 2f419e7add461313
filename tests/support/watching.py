"""What every process of a host was started with, while something is done: nothing secret may stand there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.host import TestHost

WATCHER = r"""
import os, signal, sys
place, containers = sys.argv[1], sys.argv[2] == "containers"
seen, going = set(), True
def whole(path):
    # In one read: between two, the process may have become another program, whose words begin elsewhere.
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4 << 20)
    finally:
        os.close(file)
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
print("watching", flush=True)
while going:
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            group = open(f"/proc/{entry}/cgroup").read()
            contained = "docker" in group and "docker.service" not in group
            if contained and not containers:
                continue
            for what in ("cmdline",) if contained else ("cmdline", "environ"):
                seen.add(what.encode() + b" " + whole(f"/proc/{entry}/{what}"))
        except OSError:
            pass
open(place, "wb").write(b"\n".join(seen))
"""
"""Notes arguments, and outside of containers the environment, again and again, in memory till its end."""


@contextmanager
def watched(host: TestHost, place: Path, *, containers: bool = False) -> Iterator[None]:
    """Watch the host's processes meanwhile; what was seen is in `place` afterwards."""
    host.write("/run/watch.py", WATCHER)
    unit = "systemd-run --quiet --unit=watcher -p StandardOutput=file:/run/watch.log"
    host.exec(f"{unit} python3 /run/watch.py /run/seen {'containers' if containers else 'host'}")
    host.exec("timeout 10 bash -c 'until grep -q watching /run/watch.log; do sleep 0.05; done'")
    try:
        yield
    finally:
        host.exec("systemctl stop watcher")
        place.write_text(host.exec("tr '\\0' ' ' </run/seen; rm /run/seen /run/watch.py /run/watch.log").stdout)
