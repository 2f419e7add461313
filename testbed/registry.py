"""A container registry beside the hosts, holding the stand-ins under the names of the official images.

A host whose daemon.json names it as a mirror (`{"registry-mirrors": [URL]}`) pulls `nginx:alpine` from it.
A mirror only answers; images of one's own are pushed under `URL-without-http/...`, as an insecure registry.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from testbed.images import STAND_INS, Recipe, ensure_image
from testbed.places import cache_directory, digest_of
from testbed.rootfs import registry_answers
from testbed.service import Endpoint, Service, ensure_service
from testbed.shell import docker, progress

PORT = 5000
PUSH_SECONDS = 300
AT_ONCE = 2
"""Images made at the same time: each spends half of its time waiting for the network or the disk."""
_CONFIGURATION = """\
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}
http: {addr: "{address}:{port}"}
"""


@dataclass(frozen=True)
class Registry:
    """Where the registry is, and whether hosts need it to pull official images."""

    endpoint: Endpoint
    needed: bool

    @property
    def mirrors(self) -> tuple[str, ...]:
        """What belongs in an inventory's `registry_mirrors`: nothing where hosts reach the real registry."""
        return (self.endpoint.url,) if self.needed else ()

    @property
    def insecure(self) -> tuple[str, ...]:
        """What belongs in `insecure_registries`: `docker build` (BuildKit) speaks plain http to no mirror
        without it.
        """
        return (self.name,)

    @property
    def name(self) -> str:
        """As the first part of an image's name, and as an insecure registry."""
        return f"{self.endpoint.address}:{self.endpoint.port}"


def ensure_registry(apt_proxy: str = "") -> Registry:
    """Start the registry; where no public one can be reached, fill it with the stand-ins."""
    directory = cache_directory() / "registry"
    directory.mkdir(exist_ok=True)
    script = f"cat >/tmp/registry.yml <<'END'\n{_CONFIGURATION}END\nexec docker-registry serve /tmp/registry.yml"
    endpoint = ensure_service(Service("registry", script, PORT, mounts=((directory, "/var/lib/registry"),)))
    registry = Registry(endpoint, needed=not registry_answers())
    if registry.needed:
        with ThreadPoolExecutor(AT_ONCE) as builders:
            list(builders.map(lambda recipe: publish(registry, recipe, apt_proxy), STAND_INS))
    return registry


def publish(registry: Registry, recipe: Recipe, apt_proxy: str = "") -> None:
    """Make a stand-in and push it under the official name, unless that very image was pushed before."""
    reference = ensure_image(recipe.name, apt_proxy)
    pushed = cache_directory() / "registry" / f"pushed-{recipe.name}"
    if pushed.exists() and pushed.read_text() == reference:
        return
    with progress(f"pushing {recipe.stands_for}"):
        push(registry, reference, f"library/{recipe.stands_for}")
    pushed.write_text(reference)


def push(registry: Registry, reference: str, name: str) -> None:
    """Push an image of this machine's engine under a name; by skopeo, since the engine itself insists on
    TLS.
    """
    archive = cache_directory() / f"push-{os.getpid()}-{digest_of(reference)}.tar"
    target = f"docker://{registry.name}/{name}"
    copy = (
        "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        "--dest-tls-verify=false",
        "docker-archive:/image.tar",
        target,
    )
    try:
        docker("save", "--output", str(archive), reference, seconds=PUSH_SECONDS)
        within = ("--rm", "--network=host", f"--volume={archive}:/image.tar:ro", ensure_image("services"))
        docker("run", *within, *copy, seconds=PUSH_SECONDS)
    finally:
        archive.unlink(missing_ok=True)
