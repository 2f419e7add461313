"""The host program's command line: `remote.pyz VERB …` for the commands, `remote.pyz cron VERB …` for cron.

There is one error mode: a Failure ends the program with its message and its exit code, whatever was open is closed and
what was begun is undone on the way. Anything else is a fault of this program, and names its place.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from deployer.remote import output, signals
from deployer.remote.config import Config
from deployer.remote.failure import Failure, of_the_disk
from deployer.remote.importing import function
from deployer.remote.verbs import CRON, HELP, SURVEY, USAGE, require

INTERNAL_ERROR = 70
"""EX_SOFTWARE of sysexits.h."""


def main(words: Sequence[str], program: Path) -> int:
    """Run a verb with its arguments; `program` is the file that runs, whose settings are beside it."""
    signals.end_on_signals()
    try:
        return _run(words, program)
    except Failure as failure:
        output.cause(str(failure))
        return failure.exit_code
    except Exception as error:
        if isinstance(error, OSError) and (refused := of_the_disk(error)):
            output.cause(str(refused))
            return refused.exit_code
        output.say(f"internal error of the host program: {type(error).__name__}: {error} ({_place(error)})")
        return INTERNAL_ERROR


def _run(words: Sequence[str], program: Path) -> int:
    from_cron = words[:1] == [CRON]
    name, *rest = (words[1:] if from_cron else words) or [HELP]
    if name == HELP:
        output.say(USAGE)
        return 0
    require(name)
    config = Config.beside(program)
    if name == SURVEY:
        function("survey.replies:survey")(config)
    else:
        function("acting:act")(config, name, rest, from_cron=from_cron)
    return 0


def _place(error: BaseException) -> str:
    """The function and the line that raised it."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(sys.argv[0]).absolute()))
