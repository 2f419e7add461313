"""`proxy ACTION`.

- `reload`: it reads its files; `replace`: a new container.
- `check STAGED`: new files, below that directory under their full paths, are valid together with the present ones.
- `maintenance on|off`: visitors get the maintenance page, or do not.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deployer.remote import maintenance, proxy_check, proxy_replacement
from deployer.remote import proxy as running
from deployer.remote.failure import NotUnderstood
from deployer.remote.host import Host

ACTIONS: Mapping[str, Callable[[Host, Sequence[str]], None]] = {
    "reload": lambda host, words: running.reload(host),
    "replace": lambda host, words: proxy_replacement.replace(host),
    "check": lambda host, words: proxy_check.check_staged(host, Path(words[0])),
    "maintenance": maintenance.check,
}


def proxy(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: proxy {'|'.join(ACTIONS)}")
    action(host, words[1:])
