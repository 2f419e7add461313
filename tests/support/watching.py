"""What every process of a host was started with, while something is done: nothing secret may stand there."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.host import TestHost
from testbed.images import ensure_image
from testbed.shell import docker

WATCHER = Path(__file__).with_name("watcher.py")
RIGHTS = (
    *("--pid=host", "--network=host", "--cap-add=NET_ADMIN", "--cap-add=SYS_PTRACE", "--cap-add=SYS_NICE"),
    *("--security-opt=apparmor=unconfined", "--security-opt=seccomp=unconfined"),
)
END_SECONDS = 60


@contextmanager
def watched(host: TestHost, place: Path, *, containers: bool = False) -> Iterator[str]:
    """Watch the host's processes meanwhile; what was seen is in `place` afterwards.

    Gives `events` where the kernel tells of each process, `looks` where they are only looked at again and again.
    """
    init = docker("inspect", "--format", "{{.State.Pid}}", host.id).stdout.strip()
    program = ("python3", "-c", WATCHER.read_text(), init, host.id, "containers" if containers else "host")
    command = ("docker", "run", "--rm", "--interactive", *RIGHTS, ensure_image("services"), *program)
    with (
        place.open("wb") as seen,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process,
    ):
        assert process.stdout is not None
        manner = process.stdout.readline().decode().strip()
        assert manner in ("events", "looks"), "the watcher did not start"
        try:
            yield manner
        finally:
            out, _ = process.communicate(timeout=END_SECONDS)
            seen.write(out.replace(b"\0", b" "))
    assert process.returncode == 0
