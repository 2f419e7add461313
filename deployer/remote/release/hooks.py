"""Commands of the inventory that run in the new backend's container: by their words, so that it needs no shell."""

from collections.abc import Sequence

from deployer.remote import output
from deployer.remote.failure import Failure
from deployer.remote.host import Host

LIMIT = 600.0


def run_hook(host: Host, name: str, words: Sequence[str], container: str) -> None:
    """Show what it prints. Raises Failure where it fails; nothing where there are no words, or is no container."""
    if not words or not container:
        return
    output.say(f"hook {name}: {' '.join(words)} (in {container})")
    result = host.docker("exec", container, *words, limit=LIMIT)
    output.say("\n".join(f"  | {line}" for line in result.all_text.splitlines()))
    if not result.succeeded:
        raise Failure(f"hook {name} failed with exit code {result.exit_code}")
