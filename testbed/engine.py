"""A Docker engine on this machine: the one that answers, else Debian's, installed and started.

Where there is no systemd (a container, a CI machine) `dockerd` is started detached, its output in the cache
directory.
"""

import json
import os
import shutil
import subprocess
from functools import cache
from ipaddress import ip_network
from pathlib import Path

from testbed.places import cache_directory, exclusive
from testbed.shell import BedError, docker, progress, run, wait_for

SOCKET_SECONDS = 60
INSTALL_SECONDS = 600


def ensure_engine() -> str:
    """Make sure that an engine answers and give its version; raise BedError when none can be had."""
    if version := _version():
        return version
    with exclusive("engine"):
        if not _version():
            if os.geteuid() != 0:
                raise BedError("no Docker engine answers: start one, or let this user reach it (docker info)")
            _install()
            _start()
        return wait_for(_version, "the Docker engine", seconds=SOCKET_SECONDS)


@cache
def gateway() -> str:
    """This machine's address as its containers see it: where the bed's services listen.

    An engine that has just made the network has no subnet until it is restarted; it takes the first address.
    """
    described = docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}").stdout
    for subnet in json.loads(described):
        if network := subnet.get("Subnet"):
            return str(subnet.get("Gateway") or next(ip_network(network).hosts()))
    raise BedError(f"the engine's network `bridge` has no subnet: {described}")


def _version() -> str | None:
    if not shutil.which("docker"):
        return None
    answer = docker("version", "--format", "{{.Server.Version}}", check=False, seconds=30)
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def _install() -> None:
    if shutil.which("dockerd") and shutil.which("docker"):
        return
    if not shutil.which("apt-get"):
        raise BedError("no Docker engine here, and no apt-get to install one: install Docker first")
    with progress("installing a Docker engine (docker.io)"):
        apt_install("docker.io", "iptables")
        if not shutil.which("docker"):  # a package of its own since Debian 13
            apt_install("docker-cli")


def apt_install(*packages: str) -> None:
    """Install Debian packages on this machine (root only), asking nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ("-qq", "-o", "DPkg::Lock::Timeout=300")
    run(("apt-get", *options, "update"), environment=environment, seconds=INSTALL_SECONDS)
    install = ("install", "-y", "--no-install-recommends", *packages)
    run(("apt-get", *options, *install), environment=environment, seconds=INSTALL_SECONDS)


def _start() -> None:
    if _version():
        return
    if Path("/run/systemd/system").is_dir():
        run(("systemctl", "start", "docker"), seconds=SOCKET_SECONDS)
        return
    with progress("starting dockerd"), (cache_directory() / "dockerd.log").open("ab") as log:
        # It outlives this process, so it is nobody's child here.
        detached = ("setsid", "--fork", "dockerd")
        subprocess.run(detached, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=True)
        wait_for(_version, f"dockerd (see {log.name})", seconds=SOCKET_SECONDS)
