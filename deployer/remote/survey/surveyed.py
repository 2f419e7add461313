"""What a question works with."""

from typing import NamedTuple

from deployer.remote.config import Config
from deployer.remote.docker_api import DockerApi
from deployer.remote.importing import function


class Surveyed(NamedTuple):
    """The host of which something is asked: its settings and its Docker. Nothing is changed by a question."""

    config: Config
    api: DockerApi


def printed_by(script: str) -> str:
    """What a question's script prints; only where one is run is imported what starts programs. Raises Failure."""
    return str(function("survey.scripts:printed")(script))
