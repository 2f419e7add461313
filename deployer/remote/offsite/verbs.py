"""`offsite push|list|fetch ID|fetch latest|install`, and `restic WORD…`."""

from collections.abc import Callable, Mapping, Sequence

from deployer.remote import output
from deployer.remote.failure import NotUnderstood
from deployer.remote.host import Host
from deployer.remote.offsite import snapshots
from deployer.remote.offsite.fetch import LATEST, fetch
from deployer.remote.offsite.install import install, read_input
from deployer.remote.offsite.push import push
from deployer.remote.offsite.restic import Restic


def offsite(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: offsite {'|'.join(ACTIONS)}")
    action(host, words[1] if len(words) > 1 else LATEST)


def restic(host: Host, words: Sequence[str]) -> None:
    """Become restic with the credentials, for the administrator: `restic snapshots`, `restic key passwd`."""
    Restic.of(host).become(*words)


def _list(host: Host) -> None:
    """Print a line of JSON for each snapshot, in the form of the catalogue, oldest first."""
    for snapshot in snapshots.listed(host, Restic.of(host)).values():
        output.say(snapshot.line)


ACTIONS: Mapping[str, Callable[[Host, str], None]] = {
    "push": lambda host, _: push(host),
    "list": lambda host, _: _list(host),
    "fetch": fetch,
    "install": lambda host, _: install(host, read_input()),
}
