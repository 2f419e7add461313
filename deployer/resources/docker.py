"""Questions to Docker that distinguish "there is nothing" from "Docker does not answer"."""

from deployer.engine import host_program
from deployer.engine.facts import Ask
from deployer.inventory.model import Inventory

# Where Docker was never installed there is no network, image or container, so an empty answer is correct. Where it was,
# no answer proves nothing: the question fails and the step is "unknown".
_NEVER_INSTALLED = "command -v docker >/dev/null || [ -e /var/lib/docker/network ] || exit 0"


def ask_docker(script: str) -> Ask:
    """A question whose script uses the docker command; empty where no Docker was ever installed."""
    return Ask(f"{_NEVER_INSTALLED}\n{script}")


def ask_api(host: Inventory, *words: str, otherwise: str) -> Ask:
    """A question that the host program answers from Docker's API; `otherwise` uses the docker command."""
    return host_program.ask(host, *words, otherwise=ask_docker(otherwise).script)
