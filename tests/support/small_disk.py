"""The directory of the application on a small file system of its own, which outlives a reboot; filled, or read-only."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from testbed.host import TestHost
from tests.support.releasing import ROOT

IMAGE = "/var/tmp/small-disk.img"
SIZE = "400M"
_MOVE_IN = f"""
set -e
running=$(docker ps -q); docker stop $running
truncate -s {SIZE} {IMAGE}; mkfs.ext4 -q -m 0 {IMAGE}
mkdir /var/tmp/moving; mount -o loop {IMAGE} /var/tmp/moving; cp -a {ROOT}/. /var/tmp/moving/; umount /var/tmp/moving
echo '{IMAGE} {ROOT} ext4 loop 0 0' >>/etc/fstab
systemctl daemon-reload; mount {ROOT}; docker start $running
"""
_MOVE_OUT = f"docker stop $(docker ps -q); umount -l {ROOT}; sed -i '\\|{IMAGE}|d' /etc/fstab; rm {IMAGE}"


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the disk, as bash: how it begins, and how the administrator mends it."""

    begin: str
    mend: str


TROUBLES: Mapping[str, Trouble] = {
    "full": Trouble(f"! dd if=/dev/zero of={ROOT}/grown bs=4k 2>&1", f"rm {ROOT}/grown"),
    "read-only": Trouble(f"mount -o remount,ro {ROOT}", f"mount -o remount,rw {ROOT}"),
}


@contextmanager
def small_disk(host: TestHost, await_site: Callable[[], None]) -> Iterator[None]:
    """Its containers are started on it; afterwards the host is of no further use."""
    host.exec(_MOVE_IN, seconds=120)
    await_site()
    try:
        yield
    finally:
        host.exec(_MOVE_OUT, check=False, seconds=120)
