"""What a verb works with: the settings, Docker, and systemd's timers."""

from dataclasses import dataclass, field

from deployer.remote.config import Config
from deployer.remote.docker import Docker, command
from deployer.remote.docker_api import DockerApi
from deployer.remote.timers import Systemd, Timers


@dataclass(frozen=True)
class Host:
    """The host on which the program runs. `api` answers questions, `docker` does what changes something."""

    config: Config
    docker: Docker = command
    timers: Timers = field(default_factory=Systemd)
    api: DockerApi = field(default_factory=DockerApi)
