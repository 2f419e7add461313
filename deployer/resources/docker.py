"""Questions to Docker that tell "there is nothing" from "Docker does not answer"."""

from deployer.engine.facts import Ask

# Where no Docker was ever installed there is certainly no network, image or container: an empty answer is the truth.
# Where it was, its silence proves nothing: the question fails and the step says "unknown".
_NEVER_INSTALLED = "command -v docker >/dev/null || [ -e /var/lib/docker/network ] || exit 0"


def ask_docker(script: str) -> Ask:
    """A question whose script uses the docker command; empty where no Docker was ever installed."""
    return Ask(f"{_NEVER_INSTALLED}\n{script}")
