"""The operator's machine with a Docker that can build: the Docker of a second host, reached through SSH.

This machine's own may be too old, or without buildx. The tool uses the `docker` command as it finds it; here it finds
the second host's daemon by DOCKER_HOST, and its buildx by DOCKER_CONFIG.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from testbed.host import TestHost
from testbed.shell import docker

PLUGIN = "/usr/libexec/docker/cli-plugins/docker-buildx"


@contextmanager
def workshop(host: TestHost) -> Iterator[Mapping[str, str]]:
    """What the tool has in its environment while this host's Docker (Debian's, provisioned) is the operator's own."""
    with tempfile.TemporaryDirectory(prefix="ws-") as short:  # a socket's path is at most 107 bytes long
        place = Path(short)
        plugins = place / "docker" / "cli-plugins"
        plugins.mkdir(parents=True)
        docker("cp", "--follow-link", f"{host.id}:{PLUGIN}", str(plugins / "docker-buildx"))
        with _forwarded(host, place / "docker.sock"):
            yield {
                "DOCKER_HOST": f"unix://{place / 'docker.sock'}",
                "DOCKER_CONFIG": str(place / "docker"),
                "XDG_CACHE_HOME": str(place / "cache"),
            }


@contextmanager
def _forwarded(host: TestHost, socket: Path) -> Iterator[None]:
    known_hosts = socket.with_name("known_hosts")
    known_hosts.write_text(host.known_hosts_line)
    options = ("-F", "none", "-N", "-i", str(host.identity_file), "-p", str(host.port))
    strict = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known_hosts}")
    forward = ("-o", "ExitOnForwardFailure=yes", "-L", f"{socket}:/var/run/docker.sock")
    words = ("ssh", *options, *strict, *forward, f"{host.user}@{host.address}")
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as connection:
        deadline = time.monotonic() + 20
        while not socket.exists() and connection.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert socket.exists(), "no way to the workshop's Docker"
        yield
        connection.terminate()
