"""Running a verb on this host, for a command or for cron. What it imports is not paid for by a survey."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

from deployer.remote import output
from deployer.remote.config import Config
from deployer.remote.host import Host
from deployer.remote.importing import function
from deployer.remote.lock import as_cron
from deployer.remote.verbs import RECOVER, UNLOCKED, VERBS

Verb = Callable[[Host, Sequence[str]], None]


def act(config: Config, name: str, words: Sequence[str], *, from_cron: bool) -> None:
    """Run a verb, which exists. Raises Failure."""
    verb = cast("Verb", function(VERBS[name]))
    with _as_cron(config, name) if from_cron else nullcontext():
        verb(Host(config), words)


def _as_cron(config: Config, name: str) -> AbstractContextManager[None]:
    idle = name == RECOVER and not (config.state / "restoring").exists()  # at boot: the lock is left to who needs it
    return output.with_times() if idle or name in UNLOCKED else as_cron(config, name)
