"""What a verb works with: the settings, Docker, and systemd's timers."""

from dataclasses import dataclass, field

from deployer.remote.config import Config
from deployer.remote.docker import Docker, command
from deployer.remote.timers import Systemd, Timers


@dataclass(frozen=True)
class Host:
    """The host on which the program runs."""

    config: Config
    docker: Docker = command
    timers: Timers = field(default_factory=Systemd)
