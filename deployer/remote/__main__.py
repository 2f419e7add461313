"""The host program's command line: `remote.pyz VERB …` for the commands, `remote.pyz cron VERB …` for cron.

There is one error mode: a Failure ends the program with its message and its exit code, whatever was open is closed and
what was begun is undone on the way. Anything else is a fault of this program, and names its place.
"""

import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from deployer.remote import output, signals
from deployer.remote.config import Config
from deployer.remote.failure import Failure, of_the_disk
from deployer.remote.host import Host
from deployer.remote.lock import as_cron
from deployer.remote.verbs import CRON, HELP, UNLOCKED, USAGE, verb

INTERNAL_ERROR = 70
"""EX_SOFTWARE of sysexits.h."""


def main(words: Sequence[str], program: Path) -> int:
    """Run a verb with its arguments; `program` is the file that runs, whose settings are beside it."""
    signals.end_on_signals()
    try:
        return _run(words, program)
    except Failure as failure:
        output.say(str(failure))
        return failure.exit_code
    except Exception as error:
        if isinstance(error, OSError) and (refused := of_the_disk(error)):
            output.say(str(refused))
            return refused.exit_code
        place = traceback.extract_tb(error.__traceback__)[-1]
        output.say(f"internal error of the host program: {type(error).__name__}: {error} ({place.name}:{place.lineno})")
        return INTERNAL_ERROR


def _run(words: Sequence[str], program: Path) -> int:
    from_cron = words[:1] == [CRON]
    name, *rest = (words[1:] if from_cron else words) or [HELP]
    if name == HELP:
        output.say(USAGE)
        return 0
    act, config = verb(name), Config.beside(program)
    with _as_cron(config, name) if from_cron else nullcontext():
        act(Host(config), rest)
    return 0


def _as_cron(config: Config, name: str) -> AbstractContextManager[None]:
    return output.with_times() if name in UNLOCKED else as_cron(config, name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(sys.argv[0]).absolute()))
