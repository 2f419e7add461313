"""`release ACTION TARGET …`: TARGET describes a release (target.py).

- `roll TARGET SERVICE…`: new containers of these services, gates, the proxy's switch.
- `go-back TARGET WHY`: after the switch, the way back to the containers that are still there.
- `roll-again TARGET SERVICE…`: the same for a release that is recorded already.
- `finish TARGET`: the end of the old containers.
- `record TARGET`: keep and record it; `record-anew`: without a roll-out; `forget`: what was not recorded goes.
- `restore ID`: configuration and environment of a kept release; `record-restored TARGET ID`: it serves again.
- `clear-assets`: nothing but regular files among what the proxy publishes and what is kept.
- `own IMAGE`: logs/ and data/ for the user of the backend's image.
"""

from collections.abc import Callable, Mapping, Sequence

from deployer.remote.failure import NotUnderstood
from deployer.remote.host import Host
from deployer.remote.release import assets, kept, owners, rollout, way_back
from deployer.remote.release.target import parsed


def release(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name. Raises Failure."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: release {'|'.join(ACTIONS)}")
    action(host, words[1:])


def _roll_again(host: Host, words: Sequence[str]) -> None:
    rollout.roll(host, parsed(words[0]), words[1:])
    assets.forget_staged(host)


def _record_anew(host: Host, words: Sequence[str]) -> None:
    assets.keep(host, parsed(words[0]))
    kept.record(host, parsed(words[0]))


ACTIONS: Mapping[str, Callable[[Host, Sequence[str]], None]] = {
    "roll": lambda host, words: rollout.roll(host, parsed(words[0]), words[1:]),
    "go-back": lambda host, words: way_back.go_back(host, parsed(words[0]), words[1]),
    "finish": lambda host, words: rollout.finish(host, parsed(words[0]).services),
    "roll-again": _roll_again,
    "record-anew": _record_anew,
    "record": lambda host, words: kept.record(host, parsed(words[0])),
    "forget": lambda host, words: assets.forget_staged(host),
    "restore": lambda host, words: kept.restore(host, words[0]),
    "record-restored": lambda host, words: kept.record_restored(host, parsed(words[0]), words[1]),
    "clear-assets": lambda host, words: assets.clear(host, kept.directory(host)),
    "own": lambda host, words: owners.give_directories(host, words[0]),
}
