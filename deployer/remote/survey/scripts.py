"""Bash that a question brings along, for what this program cannot ask by itself."""

from deployer.remote.failure import Failure
from deployer.remote.process import run

SECONDS = 60.0
MODE = "LC_ALL=C; set +e -o pipefail\n"
"""As the survey runs its own scripts."""


def printed(script: str) -> str:
    """What it prints. Raises Failure, with its error, where it does not exit with 0."""
    ended = run("bash", "-c", f"{MODE}{script}", limit=SECONDS, apart=True)
    if not ended.succeeded:
        raise Failure(ended.error.decode(errors="replace").strip() or f"exit code {ended.exit_code}")
    return ended.text
