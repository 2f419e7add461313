"""`restore ACTION …`: WANTED describes what is restored (wanted.py).

- `compare WANTED`: how the files on the host differ from those of the backup; only reads.
- `unpack WANTED`: verify the backup, and unpack it alongside the live data.
- `run`: swap in what was unpacked, in a unit of its own. `end`: remove the previous containers.
- `back`: undo it where the site is not well from outside. `forget`: remove what was unpacked.
- `swap`, `recover`: what the unit runs. `finish`: finish or undo what was interrupted.
- `receive ID`: take a backup that arrives on standard input.
"""

from collections.abc import Callable, Mapping, Sequence

from deployer.remote import signals
from deployer.remote.backup.verify import verify
from deployer.remote.failure import Failure, NotUnderstood
from deployer.remote.host import Host
from deployer.remote.restore import recover, unit
from deployer.remote.restore.compare import compare
from deployer.remote.restore.journal import Journal
from deployer.remote.restore.receive import receive
from deployer.remote.restore.unpack import Unpacked, refuse_mounts
from deployer.remote.restore.untrusted import make_harmless
from deployer.remote.restore.wanted import Wanted, parsed


def restore(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name. Raises Failure."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: restore {'|'.join(ACTIONS)}")
    action(host, words[1:])


def recover_at_boot(host: Host, words: Sequence[str]) -> None:
    """Nothing: cron runs this verb under the lock, and whoever takes the lock recovers first (lock.py)."""


def _unpack(host: Host, wanted: Wanted) -> None:
    """Interrupted or failed, it removes what it unpacked."""
    if problem := verify(host, wanted.backup):
        raise Failure(problem)
    refuse_mounts(wanted.items(host))
    journal = Journal.of(host.config)
    journal.begin(wanted)
    try:
        _fill(host, journal, wanted)
    except BaseException:
        with signals.ignored():
            journal.remove()
        raise


def _fill(host: Host, journal: Journal, wanted: Wanted) -> None:
    backup = host.config.backups / wanted.backup
    Unpacked(host, backup, journal.new).unpack(wanted.parts(host))
    make_harmless(host, wanted.parts(host), journal.new)
    for part in wanted.parts(host):
        if part.unpack(backup):
            journal.mark_database()


ACTIONS: Mapping[str, Callable[[Host, Sequence[str]], None]] = {
    "compare": lambda host, words: compare(host, parsed(words[0])),
    "unpack": lambda host, words: _unpack(host, parsed(words[0])),
    "run": lambda host, words: unit.in_unit(host),
    "swap": lambda host, words: unit.swap(host),
    "recover": lambda host, words: unit.undo(host),
    "back": lambda host, words: recover.back(host),
    "end": lambda host, words: recover.end(host),
    "forget": lambda host, words: recover.forget(host),
    "finish": lambda host, words: recover.finish_interrupted(host),
    "receive": lambda host, words: receive(host, words[0]),
}
