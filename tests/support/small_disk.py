"""The directory of the application on a small file system of its own, which gets full, or read-only."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from testbed.host import TestHost
from tests.support.releasing import API, ROOT

PLACE = "/var/tmp/root"
ANSWERS = f"timeout 60 bash -c 'until curl -sfk --resolve {API}:443:127.0.0.1 https://{API}/health; do sleep 0.2; done'"


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the disk, as bash: how it begins, and how the administrator mends it."""

    begin: str
    mend: str


TROUBLES: Mapping[str, Trouble] = {
    "full": Trouble(f"! dd if=/dev/zero of={ROOT}/grown bs=4k 2>&1", f"rm {ROOT}/grown"),
    "read-only": Trouble(f"mount -o remount,bind,ro {ROOT}", f"mount -o remount,bind,rw {ROOT}"),
}


@contextmanager
def small_root(host: TestHost) -> Iterator[None]:
    """100 MB of memory, on which its containers are started; afterwards its content is on the host's own disk."""
    host.exec(
        f"set -e; running=$(docker ps -q); docker stop $running; mkdir -p {PLACE}\n"
        f"mount -t tmpfs -o size=100M tmpfs {PLACE}; cp -a {ROOT}/. {PLACE}/\n"
        f"mount --bind {PLACE} {ROOT}; docker start $running; {ANSWERS}",
        seconds=120,
    )
    try:
        yield
    finally:
        host.exec(
            f"set -e; running=$(docker ps -q); docker stop $running; umount -l {ROOT}; rm -rf {ROOT}; mkdir {ROOT}\n"
            f"cp -a {PLACE}/. {ROOT}/; umount -l {PLACE}; docker start $running; {ANSWERS}",
            seconds=120,
        )
