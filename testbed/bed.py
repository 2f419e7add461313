"""The front of the test bed: one object that prepares everything once and boots hosts.

bed = prepare()
host = bed.boot("web", variant=Variant(ssh_port=2222))
...
host.destroy()
"""

from dataclasses import dataclass

from testbed import snapshot as snapshots
from testbed.aptcache import ensure_apt_cache
from testbed.engine import ensure_engine, gateway
from testbed.gateway import Pair, isolate
from testbed.host import TestHost, boot
from testbed.images import ensure_image
from testbed.registry import Registry, ensure_registry
from testbed.service import Endpoint
from testbed.variants import Variant


@dataclass(frozen=True)
class Bed:
    """What is ready on this machine for hosts to be booted."""

    apt_cache: Endpoint
    registry: Registry

    @property
    def gateway(self) -> str:
        """This machine's address as hosts see it."""
        return gateway()

    def boot(
        self, name: str, *, variant: Variant | None = None, from_snapshot: str = "", builds_of: str = ""
    ) -> TestHost:
        """Boot a fresh host of this kind, or one as it was when `snapshot` froze it under that tag.

        Of a fresh one, Docker, once it is installed, finds what it had built on the snapshot `builds_of`.
        """
        chosen = variant or Variant()
        if from_snapshot:
            return snapshots.thaw(name, from_snapshot, chosen)
        image = ensure_image(chosen.image, self.apt_cache.url, chosen.distribution)
        volume = snapshots.docker_of(builds_of, name) if builds_of else ""
        return boot(name, variant=chosen, image=image, apt_proxy=self.apt_cache.url, volume=volume)

    def boot_behind_gateway(self, name: str, *, variant: Variant | None = None) -> Pair:
        """Boot two hosts: `NAME-gateway`, and `NAME`, which can be reached through the first only."""
        gateway_host = self.boot(f"{name}-gateway")
        pair = Pair(gateway_host, self.boot(name, variant=variant))
        isolate(pair.inner, pair.gateway)
        return pair

    def snapshot(self, host: TestHost, tag: str) -> None:
        """Freeze a host's disk under a tag; the host is stopped for it and started again."""
        snapshots.freeze(host, tag)


def prepare() -> Bed:
    """Make sure of the engine, the services and the images, in the order in which they help each other."""
    ensure_engine()
    apt_cache = ensure_apt_cache()
    ensure_image("host", apt_cache.url)
    return Bed(apt_cache, ensure_registry(apt_cache.url))
