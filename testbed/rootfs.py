"""Bare Debian to build images upon: pulled where a registry answers, else made by mmdebstrap from Debian's
archive.
"""

import os
import shutil
from functools import cache
from pathlib import Path

from testbed.engine import apt_install
from testbed.places import REPOSITORY, cache_directory, digest_of, exclusive
from testbed.shell import BedError, docker, progress, run

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAKE_SECONDS = 600
PULL_SECONDS = 300
INCLUDED = "ca-certificates"


@cache
def registry_answers() -> bool:
    """Whether the engine can pull official images, asked once with the smallest of them."""
    return docker("pull", "--quiet", "hello-world", check=False, seconds=60).returncode == 0


def ensure_base(name: str, apt_proxy: str = "") -> str:
    """Given a Debian release (`trixie`) or an image (`ubuntu:24.04`), give an image of it."""
    is_release = ":" not in name
    if not is_release or registry_answers():
        return _pull(f"debian:{name}" if is_release else name)
    reference = f"{REPOSITORY}/base:{name}-{digest_of(name, INCLUDED, PATH)}"
    with exclusive(f"base-{name}"):
        if docker("image", "inspect", reference, check=False).returncode:
            _bootstrap(name, reference, apt_proxy)
    return reference


def _pull(reference: str) -> str:
    if docker("image", "inspect", reference, check=False).returncode:
        with progress(f"pulling {reference}"):
            docker("pull", "--quiet", reference, seconds=PULL_SECONDS)
    return reference


def _bootstrap(release: str, reference: str, apt_proxy: str) -> None:
    if os.geteuid() != 0:
        raise BedError("no container registry answers; only root can make the images from Debian's archive instead")
    if not shutil.which("mmdebstrap"):
        with progress("installing mmdebstrap"):
            apt_install("mmdebstrap")
    archive = cache_directory() / f"base-{release}-{os.getpid()}.tar"
    try:
        with progress(f"making a bare Debian {release}"):
            run(_mmdebstrap(release, archive, apt_proxy), seconds=MAKE_SECONDS)
            docker("import", "--change", f"ENV PATH={PATH}", str(archive), reference, seconds=MAKE_SECONDS)
    finally:
        archive.unlink(missing_ok=True)


def _mmdebstrap(release: str, archive: Path, apt_proxy: str) -> tuple[str, ...]:
    proxy = apt_proxy or _machine_proxy()
    options = ['Acquire::Check-Valid-Until "false"', 'Acquire::Languages "none"']
    options += [f'Acquire::http::Proxy "{proxy}"'] if proxy else []
    arguments = (f"--aptopt={option}" for option in options)
    # mmdebstrap keeps --aptopt in the image: a server has no such settings.
    forget = '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap'
    kept = ("--variant=minbase", f"--include={INCLUDED}")
    return ("mmdebstrap", "--quiet", *kept, *arguments, forget, release, str(archive))


def _machine_proxy() -> str:
    answer = run(("apt-config", "dump", "--format", "%v", "Acquire::http::Proxy"), check=False)
    return answer.stdout.strip()
