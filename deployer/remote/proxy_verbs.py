"""`proxy ACTION`."""

from collections.abc import Callable, Mapping, Sequence

from deployer.remote import proxy as running
from deployer.remote import proxy_replacement
from deployer.remote.failure import Failure
from deployer.remote.host import Host

ACTIONS: Mapping[str, Callable[[Host], None]] = {"reload": running.reload, "replace": proxy_replacement.replace}


def proxy(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise Failure(f"usage: proxy {'|'.join(ACTIONS)}", exit_code=2)
    action(host)
