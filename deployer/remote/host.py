"""What a verb works with: the settings, and Docker."""

from dataclasses import dataclass

from deployer.remote.config import Config
from deployer.remote.docker import Docker, command


@dataclass(frozen=True)
class Host:
    """The host on which the program runs."""

    config: Config
    docker: Docker = command
