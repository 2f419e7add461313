"""Questions to Docker that distinguish "there is nothing" from "Docker does not answer"."""

from deployer.engine.facts import Ask

# Where Docker was never installed there is no network, image or container, so an empty answer is correct. Where it was,
# no answer proves nothing: the question fails and the step is "unknown".
_NEVER_INSTALLED = "command -v docker >/dev/null || [ -e /var/lib/docker/network ] || exit 0"


def ask_docker(script: str) -> Ask:
    """A question whose script uses the docker command; empty where no Docker was ever installed."""
    return Ask(f"{_NEVER_INSTALLED}\n{script}")
