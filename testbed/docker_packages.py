"""Docker's own apt repository, remade: the guide's packages under their names, signed with a key of their
own.

The packages are Debian's Docker packed again as docker-ce and so on, in the layout of Docker's repository:
a key `gpg`, and suites under `dists`. So the complete procedure (key, keyring, sources entry, installation,
versions, no docker.io left) is the real one.
"""

import shutil
from dataclasses import dataclass

from testbed.images import ensure_image
from testbed.places import RECIPES, cache_directory, digest_of, exclusive
from testbed.service import Service, ensure_service
from testbed.shell import docker, progress

PORT = 8099
MAKE_SECONDS = 300
SUITES = ("debian/trixie", "debian/bookworm", "ubuntu/noble", "ubuntu/jammy")
"""Distribution and release; all hold the same packages, so that a host may say it is another one."""


@dataclass(frozen=True)
class DockerRepository:
    """Where the repository is served."""

    root: str

    def apt_repository(self, distribution: str = "debian") -> str:
        """What belongs in an inventory's `apt_repository`."""
        return f"{self.root}/linux/{distribution}"

    def apt_key(self, distribution: str = "debian") -> str:
        """What belongs in an inventory's `apt_key`."""
        return f"{self.apt_repository(distribution)}/gpg"


def ensure_docker_repository(apt_proxy: str = "") -> DockerRepository:
    """Make the packages if they are not there, and serve them."""
    script = (RECIPES / "docker_packages" / "make.sh").read_bytes()
    directory = cache_directory() / f"docker-packages-{digest_of(script, *SUITES)}"
    with exclusive("docker-packages"):
        if not directory.exists():
            _make(script, directory.name, apt_proxy)
    serve = "exec python3 -m http.server --bind {address} --directory /srv {port}"
    endpoint = ensure_service(Service("docker-packages", serve, PORT, mounts=((directory, "/srv"),)))
    return DockerRepository(endpoint.url)


def _make(script: bytes, name: str, apt_proxy: str) -> None:
    half_made = cache_directory() / f"{name}.half-made"
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir()
    options = (
        "--rm",
        "--interactive",
        "--network=host",
        f"--volume={half_made}:/out",
        f"--env=http_proxy={apt_proxy}",
    )
    with progress("making Docker's apt repository"):
        command = ("sh", "-s", *SUITES)
        docker("run", *options, ensure_image("services"), *command, stdin=script, seconds=MAKE_SECONDS)
        for older in cache_directory().glob("docker-packages-*"):
            if older.is_dir() and older != half_made:
                shutil.rmtree(older, ignore_errors=True)
        half_made.rename(cache_directory() / name)
