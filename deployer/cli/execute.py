"""From parsed options to an exit code, the same for both front ends."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import DeployerError
from deployer.run.command import Choices, Command

Value = bool | int | str | None


def execute(command: Command, values: Mapping[str, Value]) -> int:
    """Run a command. Errors that come before any host's run (usage, inventory) are reported here."""
    choices = Choices(dict(values), dict(os.environ), Path.cwd())
    try:
        return command.run(choices)
    except DeployerError as error:
        from deployer.run.host_run import refuse  # imports pydantic: `deployer --help` does not pay for it

        return refuse(choices, error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
