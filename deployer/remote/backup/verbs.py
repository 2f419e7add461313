"""`backup`, `estimate` and `verify [ID]`."""

import os
from collections.abc import Sequence

from deployer.remote import output
from deployer.remote.backup import existing, make
from deployer.remote.backup.verify import verify as verify_one
from deployer.remote.failure import Failure
from deployer.remote.host import Host

NICE = 10
"""The application comes first."""


def backup(host: Host, words: Sequence[str]) -> None:
    """Make a backup, verify it, apply the retention."""
    os.umask(0o077)
    os.nice(NICE)
    make.make(host)


def estimate(host: Host, words: Sequence[str]) -> None:
    """Show what a backup would read and need."""
    make.estimate(host)


def verify(host: Host, words: Sequence[str]) -> None:
    """Read all of one backup, or of each; a line for each: ID PROBLEM.

    This may take hours, so it runs without the lock: what the retention removes meanwhile is left out. Raises Failure
    where the one that was named has a problem.
    """
    os.nice(NICE)
    names = words or [path.name for path in existing.backups(host.config)]
    for name in names:
        problem = verify_one(host, name)
        if words or (host.config.backups / name).is_dir():
            output.say(f"{name} {' '.join(problem.split())}")
        if words and problem:
            raise Failure("the backup is not intact")
