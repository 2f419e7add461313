"""An apt cache beside the hosts, so that every host installs Docker, certbot and the rest without a
download.

apt-cacher-ng passes on what it does not know; hosts name it as apt's proxy, nothing else about their
sources changes.
"""

from testbed.machine import read_machine
from testbed.places import cache_directory
from testbed.service import Endpoint, Service, ensure_service

PORT = 3142
_SCRIPT = """\
chown -R apt-cacher-ng: /var/cache/apt-cacher-ng
exec runuser -u apt-cacher-ng -- apt-cacher-ng ForeGround=1 BindAddress={address} Port={port} \
    CacheDir=/var/cache/apt-cacher-ng LogDir=/tmp SocketPath= PidFile= ReportPage= \
    'PassThroughPattern: .*' {more}
"""


def ensure_apt_cache() -> Endpoint:
    """Start the cache if it does not run, and say where it is."""
    directory = cache_directory() / "apt"
    directory.mkdir(exist_ok=True)
    proxy = dict(read_machine().proxies).get("http_proxy", "")
    script = _SCRIPT.replace("{more}", f"Proxy={proxy}" if proxy else "")
    return ensure_service(Service("apt-cache", script, PORT, mounts=((directory, "/var/cache/apt-cacher-ng"),)))
