"""Freezing a host's disk, so that many tests can start from a provisioned server instead of making one
each.

A snapshot is an image of the root file system and a volume with a copy of /var/lib/docker. The copy is made
by a container, since it needs devices and attributes (overlay whiteouts) that only root may write.
"""

from pathlib import PurePosixPath

from testbed.host import TestHost, create, start
from testbed.images import ensure_image
from testbed.places import CHECKOUT_ID, HOST_LABEL, HOST_PREFIX, REPOSITORY
from testbed.shell import BedError, docker
from testbed.variants import Variant

COPY_SECONDS = 300
STOP_SECONDS = 30


def freeze(host: TestHost, tag: str) -> None:
    """Given a host, keep its disk under a tag (replacing what had it); the host is stopped for it and
    started again.
    """
    forget(tag)
    docker("stop", "--time", str(STOP_SECONDS), host.id, seconds=STOP_SECONDS + 30)
    docker("commit", "--change", f"LABEL {HOST_LABEL}", host.id, _image(tag), seconds=COPY_SECONDS)
    _copy(host.volume, _new_volume(_volume(tag)))
    _new_volume(f"{_volume(tag)}-complete")
    start(host)
    host.wait_settled()


def thaw(name: str, tag: str, variant: Variant) -> TestHost:
    """Boot a host whose disk is as it was when the tag was made: its keys, users and names are those of
    then.
    """
    if not exists(tag):
        raise BedError(f"there is no snapshot {tag}")
    host = create(name, variant, _image(tag), volume=docker_of(tag, name))
    try:
        start(host)
        host.wait_settled()
        return host
    except BaseException:
        host.destroy()
        raise


def docker_of(tag: str, name: str) -> str:
    """For a host of this name, a volume with the /var/lib/docker of a snapshot."""
    volume = _new_volume(f"{HOST_PREFIX}{name}-docker")
    _copy(_volume(tag), volume)
    return volume


def exists(tag: str) -> bool:
    """Whether something is frozen under this tag, wholly."""
    return docker("volume", "inspect", f"{_volume(tag)}-complete", check=False).returncode == 0


def forget(tag: str) -> None:
    """Remove a snapshot, if it is there."""
    docker("volume", "rm", "--force", f"{_volume(tag)}-complete", _volume(tag), check=False)
    docker("rmi", "--force", _image(tag), check=False)


def known() -> list[str]:
    """The tags under which something is frozen, wholly or not."""
    first = f"{HOST_PREFIX}snapshot-"
    volumes = docker("volume", "ls", "--quiet", "--filter", f"name={first}").stdout.split()
    images = docker("images", "--format", "{{.Tag}}", _image("*").removesuffix(":*")).stdout.split()
    return sorted({*(name.removeprefix(first).removesuffix("-complete") for name in volumes), *images})


def _image(tag: str) -> str:
    return f"{REPOSITORY}/snapshot-{CHECKOUT_ID}:{tag}"


def _volume(tag: str) -> str:
    return f"{HOST_PREFIX}snapshot-{tag}"


def _new_volume(name: str) -> str:
    docker("volume", "rm", "--force", name, check=False)
    return docker("volume", "create", "--label", HOST_LABEL, name).stdout.strip()


_COPY = """
cd "$1" || exit 1
cp --archive --link --parents $(for mark in overlay2/*/committed; do echo "${mark%/*}/diff"; done) "$2" || true
cp --archive --reflink=auto --update=none . "$2"
"""
"""Of the layers that Docker has marked as finished it changes no file any more: those are the same files in the copy
(nine tenths of all bytes; https://docs.docker.com/engine/storage/drivers/overlayfs-driver/). The rest is copied."""


def _copy(source: str, target: str) -> None:
    rights = ("--cap-add=SYS_ADMIN", "--cap-add=MKNOD", "--security-opt=apparmor=unconfined")
    places = docker("volume", "inspect", "--format", "{{.Mountpoint}}", source, target).stdout.split()
    above = PurePosixPath(places[0]).parents[1]  # one mount: there are no links from one to another
    docker(
        "run",
        "--rm",
        "--network=none",
        *rights,
        f"--volume={above}:{above}",
        ensure_image("services"),
        *("sh", "-c", _COPY, "copy", *places),
        seconds=COPY_SECONDS,
    )
